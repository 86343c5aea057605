using System.Security.Cryptography;
using System.Text.Json;
using Atelier.Recipes;
using Atelier.Runs;
using static TorchSharp.torch;

namespace Atelier.Training;

/// <summary>Saves and restores the tensors of a training session: model, moving average and optimizers.</summary>
/// <param name="store">The checkpoints of the run.</param>
/// <param name="recipe">The recipe, whose hash a checkpoint records.</param>
/// <param name="model">The model.</param>
/// <param name="optimizers">The optimizers of its objectives.</param>
/// <param name="average">The moving average of the weights, or null.</param>
/// <param name="tell">Receives remarks, each with the step it belongs to.</param>
internal sealed class SessionCheckpoints<TBatch>(CheckpointStore store, Recipe recipe, GradientModel<TBatch> model,
    IReadOnlyList<ObjectiveOptimizer<TBatch>> optimizers, MovingAverage? average, Action<long, string> tell)
{
    /// <summary>The step whose state was saved or restored last; null if it has to be saved again.</summary>
    public long? SavedStep { get; set; }

    /// <summary>The step of the newest checkpoint; null if there is none.</summary>
    public long? NewestStep => store.Steps.Count > 0 ? store.Steps[0] : null;

    /// <summary>Saves a checkpoint.</summary>
    public void Save(TrainingState state)
    {
        store.Save(state, Files(training: true));
        SavedStep = state.Step;
        tell(state.Step, $"checkpoint of step {state.Step} saved");
    }

    /// <summary>Restores the newest checkpoint, if there is one, and returns where training continues.</summary>
    public TrainingState Resume()
    {
        string hash = Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(recipe)));
        if (store.FindNewest(message => tell(0, message)) is not { } state)
            return new TrainingState { Seed = recipe.Seed, RecipeHash = hash };
        Restore(state.Step, training: true);
        SavedStep = state.Step;
        tell(state.Step, $"resuming from the checkpoint of step {state.Step}");
        if (state.RecipeHash != hash)
            tell(state.Step, "the recipe is not the one that the checkpoint was made with");
        return state with { RecipeHash = hash, Seed = recipe.Seed };
    }

    /// <summary>Verifies the checkpoint of a step and restores the weights from it, without the optimizers.</summary>
    public void RestoreWeights(long step)
    {
        store.Verify(step);
        Restore(step, training: false);
    }

    private void Restore(long step, bool training)
    {
        foreach ((string name, IReadOnlyDictionary<string, Tensor> tensors) in Files(training))
            store.Restore(step, name, tensors);
    }

    /// <summary>The tensors of a checkpoint by file; those of the optimizers only to continue training.</summary>
    private Dictionary<string, IReadOnlyDictionary<string, Tensor>> Files(bool training)
    {
        var files = new Dictionary<string, IReadOnlyDictionary<string, Tensor>>
        {
            ["model.safetensors"] = model.state_dict(),
        };
        if (average is not null)
            files["ema.safetensors"] = average.State();
        if (training)
        {
            files["optimizer.safetensors"] = optimizers
                .SelectMany(mover =>
                    mover.Optimizer.State().Select(pair => ($"{mover.Objective.Name}.{pair.Key}", pair.Value)))
                .ToDictionary();
        }
        return files;
    }
}
