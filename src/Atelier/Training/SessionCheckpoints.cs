using System.Security.Cryptography;
using System.Text.Json;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tensors.Ranks;
using static TorchSharp.torch;

namespace Atelier.Training;

/// <summary>
/// Saves and restores the tensors of a training session: those of the model, the moving average and the optimizers.
/// </summary>
/// <param name="store">The checkpoints of the run.</param>
/// <param name="recipe">The recipe, whose hash a checkpoint records.</param>
/// <param name="model">The model.</param>
/// <param name="optimizers">The optimizers of its objectives.</param>
/// <param name="average">The moving average of the weights; null for none.</param>
/// <param name="ranks">The ranks, of which the first saves, and the others receive what it restores.</param>
/// <param name="report">Receives messages for the user, each with its step.</param>
internal sealed class SessionCheckpoints<TBatch>(CheckpointStore store, Recipe recipe, GradientModel<TBatch> model,
    IReadOnlyList<ObjectiveOptimizer<TBatch>> optimizers, MovingAverage? average, ICommunicator ranks,
    Action<long, string> report)
{
    /// <summary>The step that was saved or restored last; null if it must be saved again.</summary>
    public long? SavedStep { get; set; }

    /// <summary>The step of the newest checkpoint; null if there is none.</summary>
    public long? NewestStep => store.Steps.Count > 0 ? store.Steps[0] : null;

    /// <summary>Saves a checkpoint.</summary>
    public void Save(TrainingState state)
    {
        SavedStep = state.Step;
        if (!ranks.Leads())
            return;
        store.Save(state, Files(training: true));
        report(state.Step, $"checkpoint of step {state.Step} saved");
    }

    /// <summary>
    /// Restores the newest checkpoint and returns its state; without a checkpoint, returns the initial state. Every
    /// rank then has the weights and the state of the first.
    /// </summary>
    public TrainingState Resume()
    {
        if (ranks.Size == 1)
            return ResumeAlone();
        TrainingState state = ranks.Leads() ? ResumeAlone() : new TrainingState();
        state = JsonSerializer.Deserialize<TrainingState>(ranks.Broadcast(JsonSerializer.Serialize(state)))!;
        SavedStep = state.Step > 0 ? state.Step : null;
        foreach (IReadOnlyDictionary<string, Tensor> tensors in Files(training: true).Values)
        {
            foreach ((_, Tensor tensor) in tensors.OrderBy(named => named.Key, StringComparer.Ordinal))
                ranks.Broadcast(tensor);
        }
        return state;
    }

    private TrainingState ResumeAlone()
    {
        string hash = Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(recipe)));
        if (store.FindNewest(message => report(0, message)) is not { } state)
            return new TrainingState { Seed = recipe.Seed, RecipeHash = hash };
        Restore(state.Step, training: true);
        SavedStep = state.Step;
        report(state.Step, $"resuming from the checkpoint of step {state.Step}");
        if (state.RecipeHash != hash)
            report(state.Step, "the recipe is not the one that the checkpoint was made with");
        return state with { RecipeHash = hash, Seed = recipe.Seed };
    }

    /// <summary>
    /// Verifies the checkpoint of a step, and restores the weights from it but not the state of the optimizers.
    /// </summary>
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

    /// <summary>
    /// Returns the tensors of a checkpoint, by file. Those of the optimizers are included only to continue training.
    /// </summary>
    private Dictionary<string, IReadOnlyDictionary<string, Tensor>> Files(bool training)
    {
        var files = new Dictionary<string, IReadOnlyDictionary<string, Tensor>>
        {
            ["model.safetensors"] = model.TrainingState(),
        };
        if (average is not null)
            files["ema.safetensors"] = average.State();
        if (training)
        {
            files["optimizer.safetensors"] = optimizers
                .SelectMany(optimizer => optimizer.Optimizer.State()
                    .Select(pair => ($"{optimizer.Objective.Name}.{pair.Key}", pair.Value)))
                .ToDictionary();
        }
        return files;
    }
}
