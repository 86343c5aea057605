using Atelier.Data;
using Atelier.Recipes;
using Atelier.Tensors;
using Atelier.Tokenizers;
using static TorchSharp.torch;

namespace Atelier.Tasks;

/// <summary>Weights that a new model takes from a finished one, and what a model card says about them.</summary>
internal static class StartingWeights
{
    // of the old rows' own deviation: enough that two new tokens differ
    private const double Noise = 0.1;

    /// <summary>Throws unless a tokenizer has the tokens of another one, with the same ids.</summary>
    /// <param name="own">The tokenizer of the model to start from.</param>
    /// <param name="tokenizer">The tokenizer of the data, which may have further tokens.</param>
    /// <param name="key">The key of the recipe that names the model.</param>
    /// <exception cref="AtelierException">A token differs.</exception>
    public static void CheckTokens(Tokenizer own, Tokenizer tokenizer, string key = "training.from")
    {
        for (int id = 0; id < own.VocabularySize; id++)
        {
            if (id >= tokenizer.VocabularySize || own.Name(id) != tokenizer.Name(id))
                throw new AtelierException($"the token {id} of the data is not that of the model of {key}",
                    "data.tokenizer", $"prepare the data with the tokenizer of {key}");
        }
    }

    /// <summary>
    /// Copies all tensors of a model into another one. Rows of further tokens, in embeddings and heads, become the mean
    /// of the old rows plus normal noise, a tenth of the old rows' standard deviation.
    /// </summary>
    /// <param name="model">The new model.</param>
    /// <param name="source">The finished model.</param>
    /// <param name="vocabularies">The sizes of the vocabularies of the finished and of the new model.</param>
    /// <param name="seed">The seed of the noise.</param>
    /// <param name="where">The bundle of the finished model, for error messages.</param>
    /// <param name="isNew">Returns whether a tensor of the new model keeps its initial values, by its name; null if
    /// none does.</param>
    /// <exception cref="AtelierException">A tensor of the new model is missing, or has another shape.</exception>
    public static void Copy(nn.Module model, nn.Module source, (long Old, long New) vocabularies, long seed,
        string where, Func<string, bool>? isNew = null)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using var random = new Generator(SplitMix64.At((ulong)seed, 2), CPU); // not the numbers of new weights
        // not the state, which has a weight under several names if its layer is registered twice
        static IEnumerable<(string Name, Tensor Tensor)> Tensors(nn.Module module) => module.named_parameters()
            .Select(p => (p.name, (Tensor)p.parameter)).Concat(module.named_buffers());
        Dictionary<string, Tensor> found = Tensors(source).ToDictionary(t => t.Name, t => t.Tensor);
        foreach ((string name, Tensor tensor) in Tensors(model))
        {
            if (isNew?.Invoke(name) == true)
                continue;
            if (!found.TryGetValue(name, out Tensor? old))
                throw new AtelierException($"the model to start from has no tensor {name}", where,
                    "start from a model of the same configuration");
            bool grows = tensor.dim() > 0 && vocabularies.New > vocabularies.Old && old.shape[0] == vocabularies.Old
                && tensor.shape[0] == vocabularies.New && old.shape[1..].SequenceEqual(tensor.shape[1..]);
            if (!grows && !old.shape.SequenceEqual(tensor.shape))
                throw new AtelierException($"the tensor {name} is [{string.Join(", ", old.shape)}] in the model to "
                    + $"start from, but [{string.Join(", ", tensor.shape)}] here", where,
                    "start from a model of the same configuration");
            if (!grows)
            {
                tensor.copy_(old);
                continue;
            }
            tensor.narrow(0, 0, vocabularies.Old).copy_(old);
            Tensor rows = tensor.narrow(0, vocabularies.Old, vocabularies.New - vocabularies.Old);
            Tensor mean = old.mean([0]), deviation = old.Plus(mean.neg()).Squared().mean([0]).sqrt();
            Tensor noise = empty(rows.shape).normal_(0, Noise, random);
            rows.copy_(noise.mul(deviation).Plus(mean));
        }
    }

    /// <summary>Says in a model card how the weights came to be.</summary>
    public static string Origin(Recipe recipe) => recipe.Training.From is null ? "trained from scratch"
        : recipe.Training.Lora is null ? "fine-tuned from another model"
        : "another model with a low-rank adapter merged into it";

    /// <summary>The rows of a model card's table about the model that training started from.</summary>
    public static string CardRows(Recipe recipe)
    {
        if (recipe.Training.From is not { } folder)
            return "";
        string name = Path.GetFileName(folder) == "bundle" ? Path.GetDirectoryName(folder)! : folder;
        string rows = $"\n| started from | {SourceFiles.PublicName(name)}, weights {recipe.Training.FromWeights} |";
        return recipe.Training.Lora is not { } lora ? rows
            : FormattableString.Invariant($"{rows}\n| adapter | rank {lora.Rank}, alpha {lora.Alpha} |");
    }
}
