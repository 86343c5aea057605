using System.ComponentModel.DataAnnotations;
using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tasks.Text;
using Atelier.Training;

namespace Atelier.Tests.Recipes;

/// <summary>Families that only have configurations: reading recipes needs no more.</summary>
internal sealed class TestFamily(string name, Type config) : IModelFamily
{
    public static IReadOnlyList<IModelFamily> All { get; } =
        [new TestFamily("gpt", typeof(BigConfig)), new TestFamily("tiny", typeof(TinyConfig))];

    public string Name => name;

    public string Description => "for tests";

    public IReadOnlyList<ITask> Tasks { get; } = [new TextTask()];

    public Type ConfigType => config;

    public IReadOnlyList<string> ModelTypes => [name];

    public ILearner CreateLearner(Recipe recipe, IDataSource data) => throw new NotSupportedException();

    public ITrainedModel Load(Bundle bundle, string device, CancellationToken cancellation = default) =>
        throw new NotSupportedException();
}

internal enum Shape
{
    Round,
    HalfOpen,
}

internal sealed record BigConfig
{
    [Range(1, 100)]
    public int LayerCount { get; init; } = 4;

    public double? Dropout { get; init; }

    public Shape Shape { get; init; }

    [Range(1, 9)]
    public IReadOnlyList<int> Sizes { get; init; } = [1, 2];
}

internal sealed record TinyConfig
{
    public bool Quick { get; init; } = true;
}
