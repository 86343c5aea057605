using Atelier.Models;
using Atelier.Recipes;
using Atelier.Training;

namespace Atelier.Tests.Models.Diffusion;

/// <summary>Ten steps on drawn shapes with a network that is as small as goes.</summary>
internal static class TinyShapes
{
    public static Task<TrainingOutcome> TrainAsync(string run, params string[] more) =>
        TrainAsync(run, progress: null, more);

    public static Task<TrainingOutcome> TrainAsync(string run, IProgress<TrainingProgress>? progress,
        params string[] more) => new Workshop().TrainAsync(RecipeReader.Read("shapes-diffusion", ModelFamilies.All,
    [
        "data.worldDocuments=200", "model.patchSize=4", "generation.steps=2",
            .. more.Contains("model.network=dit") ? (string[])[] : ["model.channels=[8]"],
            "training.steps=10", "training.batchSize=8",
        "training.evaluateEvery=5", "training.evaluationBatches=1", "training.sampleEvery=10", "training.device=cpu",
            "evaluation.pictures=18", .. more,
    ]), new(run) { Progress = progress });
}
