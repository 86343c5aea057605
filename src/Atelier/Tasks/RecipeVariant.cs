namespace Atelier.Tasks;

/// <summary>A variant of a recipe, such as another size or learning rate.</summary>
/// <param name="Name">What is different, in a few words, such as "4 layers, 128 wide"; empty if nothing is.</param>
/// <param name="Overrides">The changes to the recipe, such as "model.layerCount=4".</param>
public sealed record RecipeVariant(string Name, IReadOnlyList<string> Overrides)
{
    /// <summary>The recipe as it is advised.</summary>
    public static RecipeVariant AsAdvised { get; } = new("", []);

    /// <summary>Returns each of some sizes with each of some learning rates.</summary>
    /// <param name="sizes">The sizes.</param>
    /// <param name="learningRates">The learning rates.</param>
    public static IReadOnlyList<RecipeVariant> Grid(IReadOnlyList<RecipeVariant> sizes,
        params IReadOnlyList<double> learningRates) =>
    [
        .. sizes.SelectMany(size => learningRates.Select(rate => new RecipeVariant(
            FormattableString.Invariant($"{(size.Name.Length > 0 ? size.Name + ", " : "")}rate {rate}"),
            [.. size.Overrides, FormattableString.Invariant($"training.optimizer.learningRate={rate}")]))),
    ];
}

/// <summary>How short trainings of different families are compared on data of a task.</summary>
/// <param name="Loss">The metric of a training's report, such as "validationLoss", if it means the same for all
/// families; null takes the headline metric of an evaluation on the validation part.</param>
/// <param name="Settings">Changes to all recipes that make the metrics comparable, such as
/// "data.table.discretise=quantile".</param>
public sealed record TrialRules(string? Loss, params IReadOnlyList<string> Settings);
