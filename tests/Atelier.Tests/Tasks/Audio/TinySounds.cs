using Atelier.Models;
using Atelier.Recipes;
using Atelier.Training;

namespace Atelier.Tests.Tasks.Audio;

/// <summary>A few steps on the world of sounds with a network that is as small as goes.</summary>
internal static class TinySounds
{
    public static Task<TrainingOutcome> TrainAsync(string run, params string[] more) =>
        new Workshop().TrainAsync(RecipeReader.Read("sounds-diffusion", ModelFamilies.All,
        [
            "data.worldDocuments=160", "data.split={train: 0.7, validation: 0.1, test: 0.2}",
            "data.audio.spectrogram={melCount: 16, window: 512, hop: 250}", "model.channels=[8]", "model.patchSize=4",
            "generation.steps=2", "training.steps=6", "training.batchSize=8", "training.evaluateEvery=3",
            "training.evaluationBatches=1", "training.sampleEvery=6", "training.device=cpu", "evaluation.pictures=32",
            .. more,
        ]), new(run));
}
