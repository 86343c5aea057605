using Atelier.Abstractions;
using Atelier.Recipes;
using Atelier.Tasks.Images;
using Atelier.Tasks.Series;
using Atelier.Tasks.Tables;
using Atelier.Tasks.Tagged;
using Atelier.Tasks.Text;

namespace Atelier.Tasks;

/// <summary>The kinds of data there are.</summary>
public static class DataKinds
{
    /// <summary>All of them, in the order that help shows.</summary>
    public static IReadOnlyList<IDataKind> All { get; } =
        [new TextKind(), new TableKind(), new TaggedKind(), new SeriesKind(), new ImageKind()];

    /// <summary>The kind that judges a model.</summary>
    /// <exception cref="AtelierException">There is none.</exception>
    public static IDataKind Of(IGenerator generator) => All.FirstOrDefault(kind => kind.Judges(generator))
        ?? throw new AtelierException("this kind of model cannot be judged");

    /// <summary>The kind that a recipe's family is to learn from.</summary>
    /// <exception cref="AtelierException">There is no such kind, or the family does not learn from it.</exception>
    public static IDataKind Of(Recipe recipe, IModelFamily family)
    {
        if (recipe.Data.Kind is not { } name)
            return family.DataKinds[0];
        string known = string.Join(", ", family.DataKinds.Select(kind => kind.Name));
        return family.DataKinds.FirstOrDefault(kind => kind.Name == name)
            ?? throw new AtelierException($"the family {family.Name} does not learn from data of the kind '{name}'",
                "data.kind", $"it learns from {known}");
    }
}
