using System.Globalization;
using Atelier.Recipes;
using Atelier.Tasks.Pairs;

namespace Atelier.Tasks;

/// <summary>Summarises a training in one line, from its resolved recipe.</summary>
public static class RecipeSummary
{
    /// <summary>The hyperparameters to show, by the name of their property.</summary>
    private static readonly (string Key, Func<object, string> Words)[] Shapes =
    [
        ("Order", value => $"order {value}"), ("StateCount", value => Quantity.Of((int)value, "state")),
        ("Structure", value => $"structure by {value}"), ("LayerCount", value => Quantity.Of((int)value, "layer")),
        ("EncoderLayerCount", value => $"{value} encoder layers"),
        ("DecoderLayerCount", value => $"{value} decoder layers"),
        ("HiddenSize", value => $"{value} wide"), ("ContextLength", value => $"context {value}"),
    ];

    /// <summary>
    /// Returns the family, its hyperparameters, how the data are read, and the limits of training: "gpt, 4 layers, 128
    /// wide, context 128, character tokens, 600 steps of 16".
    /// </summary>
    /// <param name="recipe">The recipe, with all changes applied.</param>
    /// <param name="family">The family of the recipe.</param>
    public static string Of(Recipe recipe, IModelFamily family)
    {
        object config = recipe.Model.Config ?? Activator.CreateInstance(family.ConfigType)!;
        var parts = new List<string> { family.Name };
        foreach ((string key, Func<object, string> words) in Shapes)
        {
            if (family.ConfigType.GetProperty(key)?.GetValue(config) is { } value)
                parts.Add(words(value is Enum name ? RecipeNames.Value(name) : value));
        }
        string kind = recipe.Data.Kind ?? family.Tasks[0].Name;
        if (kind is "text" or "pairs")
            parts.Add(recipe.Data.Tokenizer.File is null ? $"{RecipeNames.Value(recipe.Data.Tokenizer.Kind)} tokens"
                : "tokens of a tokenizer's file");
        if (kind == "images")
            parts.AddRange(Pictures(recipe, config));
        if (family.TakesSteps)
            parts.Add(Limits(recipe.Training, kind is "pairs" or "tagged" or "labelled"
                ? $"{Quantity.Of(recipe.Training.BatchTokens ?? PairsTask.DefaultBatchTokens, "token")}"
                : FormattableString.Invariant(
                    $"{recipe.Training.BatchSize * (long)recipe.Training.GradientAccumulation}")));
        return string.Join(", ", parts);
    }

    private static IEnumerable<string> Pictures(Recipe recipe, object config)
    {
        ImageSection image = recipe.Data.Image;
        if (image is { Width: { } width, Height: { } height })
            yield return string.Create(CultureInfo.InvariantCulture, $"{width} × {height}");
        if (image.Augment.Flip)
            yield return "mirrored at random";
        if (config.GetType().GetProperty("Conditional")?.GetValue(config) is true)
            yield return "by class";
    }

    /// <summary>Describes the limits of training, and the batch size.</summary>
    private static string Limits(TrainingSection training, string batch)
    {
        CultureInfo invariant = CultureInfo.InvariantCulture;
        List<string> limits = [];
        if (training.Steps is { } steps)
            limits.Add($"{Quantity.Of(steps, "step")} of {batch}");
        if (training.Epochs is { } epochs)
            limits.Add(string.Create(invariant, $"{epochs:0.###} passes over the data"));
        if (training.Minutes is { } minutes)
            limits.Add(string.Create(invariant, $"{minutes:0.##} minutes"));
        if (training.Patience > 0)
            limits.Add("no more gain on validation data");
        return limits.Count > 1 ? "until " + string.Join(" or ", limits) : limits.FirstOrDefault() ?? "without end";
    }
}
