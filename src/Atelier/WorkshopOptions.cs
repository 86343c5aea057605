using Atelier.Models;
using Atelier.Runs;
using Atelier.Tasks;

namespace Atelier;

/// <summary>Options of a <see cref="Workshop"/>.</summary>
public sealed record WorkshopOptions
{
    /// <summary>
    /// The model families that recipes and bundles may name; by default all families of the library. Add your own with
    /// <c>[.. ModelFamilies.All, new MyFamily()]</c>.
    /// </summary>
    public IReadOnlyList<IModelFamily> Families { get; init; } = ModelFamilies.All;

    /// <summary>
    /// The folder for the history of runs and for measured execution plans; by default
    /// <see cref="AtelierHome.Folder"/>. Downloaded data sets and the results of the tensor library's checks do not
    /// depend on this folder: they are always in <see cref="AtelierHome.Folder"/>.
    /// </summary>
    public string Home { get; init; } = AtelierHome.Folder;

    /// <summary>The history in which runs are recorded; null uses <c>history.db</c> in <see cref="Home"/>.</summary>
    public RunHistory? History { get; init; }
}
