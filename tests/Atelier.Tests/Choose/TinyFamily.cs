using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Models.Gpt;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Training;

namespace Atelier.Tests.Choose;

/// <summary>A family of a user: a very small Transformer, one variant of which learns far too slowly.</summary>
internal sealed class TinyFamily : IModelFamily
{
    private readonly GptFamily _inner = new();

    public string Name => "tiny";

    public string Description => "a very small Transformer";

    public IReadOnlyList<ITask> Tasks => _inner.Tasks;

    public Type ConfigType => _inner.ConfigType;

    public IReadOnlyList<string> ModelTypes => _inner.ModelTypes;

    public IReadOnlyList<RecipeVariant> Variants(ITask task, Recipe advised) =>
        RecipeVariant.Grid([new("", ["model.layerCount=1", "model.headCount=2", "model.hiddenSize=16",
            "model.contextLength=16"])], 1e-2, 1e-7);

    public ILearner CreateLearner(Recipe recipe, IDataSource data) => _inner.CreateLearner(recipe, data);

    public ITrainedModel Load(Bundle bundle, string device, CancellationToken cancellation = default) =>
        _inner.Load(bundle, device, cancellation);
}
