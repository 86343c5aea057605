using System.IO.Enumeration;
using Atelier.Recipes;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Training;

/// <summary>Prepares a model by the recipe's keys of fine-tuning: frozen weights, layer-wise rates, adapters.</summary>
internal static class FineTuning
{
    /// <summary>
    /// Moves a model to its device, and adds the adapters of a recipe to it or freezes the weights that the recipe
    /// names.
    /// </summary>
    /// <exception cref="AtelierException">The model lacks what the recipe names, or nothing is left to
    /// train.</exception>
    public static void Prepare<TBatch>(GradientModel<TBatch> model, Recipe recipe, Device device)
    {
        TrainingSection section = recipe.Training;
        IReadOnlyList<AdapterSite> sites =
            section.Lora is null ? [] : AdapterSite.Of(model, model.PublishedWeights());
        model.to(device);
        if (section.LayerDecay < 1 && new ParameterDepths(model).LayerCount == 0)
            throw new AtelierException("this model has no stack of layers", "training.layerDecay", "leave it out");
        if (section.Lora is not { } lora)
        {
            Freeze(model, section.Freeze);
            return;
        }
        if (model.Objectives.Count > 1)
            throw new AtelierException("a model with several objectives cannot be adapted", "training.lora",
                "leave training.lora out");
        model.Adapters = LowRankAdapters.Create(sites, lora, recipe.Seed);
        foreach (Parameter parameter in model.parameters())
            parameter.requires_grad = false;
    }

    /// <summary>
    /// Returns the factor of each parameter's learning rate by its name: layerDecay to the power of the number of
    /// layers above it (Howard and Ruder 2018, section 3.2); null if all have the same rate.
    /// </summary>
    public static Func<string, double>? RateFactors<TBatch>(GradientModel<TBatch> model, TrainingSection section)
    {
        if (section.LayerDecay == 1)
            return null;
        var depths = new ParameterDepths(model);
        return name => Math.Pow(section.LayerDecay, depths.Deepest - depths.Of(name));
    }

    private static void Freeze<TBatch>(GradientModel<TBatch> model, FreezeSection section)
    {
        if (section is { Embeddings: false, Layers: 0, Parameters.Count: 0 })
            return;
        var depths = new ParameterDepths(model);
        var parameters = model.named_parameters().ToList();
        if (section.Embeddings && depths.Embeddings.Count == 0)
            throw new AtelierException("this model has no embeddings", "training.freeze.embeddings", "leave it out");
        if (section.Layers > depths.LayerCount)
            throw new AtelierException($"this model has {Quantity.Of(depths.LayerCount, "layer")}, fewer than "
                + $"{section.Layers}", "training.freeze.layers", "lower it");
        foreach (string pattern in section.Parameters)
        {
            if (!parameters.Exists(p => FileSystemName.MatchesSimpleExpression(pattern, p.name, ignoreCase: false)))
                throw new AtelierException($"no weights are called '{pattern}'", "training.freeze.parameters",
                    $"names such as {string.Join(", ", parameters.Take(4).Select(p => p.name))} can be given, with * "
                        + "for any characters");
        }
        foreach ((string name, Parameter parameter) in parameters)
        {
            parameter.requires_grad &= !((section.Embeddings && depths.Embeddings.Contains(name))
                || (depths.IsInLayer(name) && depths.Of(name) <= section.Layers)
                || section.Parameters.Any(pattern =>
                    FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false)));
        }
        foreach ((int i, Objective<TBatch> objective) in model.Objectives.Index())
        {
            if (model.TrainedParameters(i).Count == 0)
                throw new AtelierException($"all weights of the objective '{objective.Name}' are frozen",
                    "training.freeze", "freeze less");
        }
    }
}
