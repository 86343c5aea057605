using Atelier.Layers;
using Atelier.Networks;
using Atelier.Runs;
using static TorchSharp.torch;

namespace Atelier.Models.Gpt;

/// <summary>
/// Exports and imports the weights of a GPT under the names of Hugging Face's GPT2LMHeadModel and LlamaForCausalLM.
/// Each named tensor is a view of one of the model's parameters, so that one list serves both directions.
/// </summary>
internal static class GptWeights
{
    /// <summary>
    /// Copies the weights to contiguous tensors on the CPU, which belong to the caller's dispose scope.
    /// </summary>
    public static Dictionary<string, Tensor> Export(GptModel model)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var tensors = new Dictionary<string, Tensor>();
        foreach ((string name, Tensor? view, long size) in Views(model))
        {
            Tensor copy = view is null ? zeros(size) : view.detach().cpu().contiguous().clone();
            tensors[name] = copy.MoveToOuterDisposeScope();
        }
        return tensors;
    }

    /// <summary>Copies tensors of any floating-point type into the weights of a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tensors">The tensors by name.</param>
    /// <param name="where">The path of their file, for error messages.</param>
    /// <param name="isZero">
    /// Whether a tensor is missing from the file because config.json implies that it is all zeros; null if none is.
    /// </param>
    /// <exception cref="AtelierException">A tensor is missing, unexpected, or has the wrong shape.</exception>
    public static void Import(GptModel model, IReadOnlyDictionary<string, Tensor> tensors, string where,
        Func<string, bool>? isZero = null)
    {
        isZero ??= _ => false;
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        // A GPT2Model or LlamaModel without a language modelling head saves its tensors without this prefix.
        string prefix = GptConfigFile.ModelType(model.Config) switch
        {
            GptConfigFile.Gpt2 => "transformer.",
            GptConfigFile.Llama => "model.",
            _ => "",
        };
        foreach ((string name, Tensor? view, _) in Views(model))
        {
            if (isZero(name))
                view?.zero_();
        }
        BundleTensors.CopyTo(
            Views(model).Where(view => !isZero(view.Name)).Select(view => (NameInFile(view.Name), view.View)).ToList(),
            tensors, name => IsIgnored(name, model), where);

        string NameInFile(string name)
        {
            bool hasPrefix = name.StartsWith(prefix, StringComparison.Ordinal);
            return hasPrefix && !tensors.ContainsKey(name) && tensors.ContainsKey(name[prefix.Length..])
                ? name[prefix.Length..] : name;
        }
    }

    /// <summary>
    /// Computes the number of weights of a configuration. A file with fewer weights is thus refused before a model of
    /// the size that its config.json claims is allocated.
    /// </summary>
    public static Int128 ParameterCount(GptConfig config, long vocabularySize)
    {
        Int128 hidden = config.HiddenSize, inner = config.FeedForwardSize!.Value;
        Int128 queries = (Int128)config.HeadCount * config.HeadSize!.Value;
        Int128 keys = (Int128)config.KeyValueHeadCount!.Value * config.HeadSize.Value;
        Int128 bias = config.Bias!.Value ? 1 : 0;
        Int128 qkv = queries + 2 * keys, first = config.Activation == ActivationName.SwiGlu ? 2 * inner : inner;
        Int128 norm = config.Norm == NormName.Layer ? hidden * (1 + bias) : hidden;
        Int128 block = (hidden + bias) * qkv + queries * hidden + bias * hidden + (hidden + bias) * first
            + (inner + bias) * hidden + 2 * norm;
        Int128 positions = config.Positions == PositionName.Learned ? config.ContextLength * hidden : 0;
        Int128 embeddings = (config.TieHead!.Value ? 1 : 2) * vocabularySize * hidden + positions;
        return embeddings + config.LayerCount * block + norm;
    }

    /// <summary>Whether a tensor is a buffer of older files, or the copy of a tied head.</summary>
    private static bool IsIgnored(string name, GptModel model) =>
        name.EndsWith(".attn.bias", StringComparison.Ordinal)
        || name.EndsWith(".attn.masked_bias", StringComparison.Ordinal)
        || name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal)
        || (name == "lm_head.weight" && model.Output is null);

    /// <summary>
    /// The name in the file, the view of the model's parameter, and the size of each tensor. The view is null for a
    /// bias that only the file has; it is all zeros.
    /// </summary>
    internal static IEnumerable<(string Name, Tensor? View, long Size)> Views(GptModel model) =>
        GptConfigFile.ModelType(model.Config) switch
        {
            GptConfigFile.Gpt2 => Gpt2(model),
            GptConfigFile.Llama => Llama(model),
            _ => model.named_parameters().Select(p => (p.name, (Tensor?)p.parameter, p.parameter.numel())),
        };

    private static IEnumerable<(string Name, Tensor? View, long Size)> Gpt2(GptModel model)
    {
        yield return ("transformer.wte.weight", model.TokenEmbedding.Weight, 0);
        yield return ("transformer.wpe.weight", model.PositionEmbedding!.Weight, 0);
        for (int layer = 0; layer < model.Blocks.Count; layer++)
        {
            GptBlock block = model.Blocks[layer];
            IEnumerable<(string Name, Tensor? View, long Size)> parts =
            [
                .. Norm("ln_1", block.AttentionNorm), .. Conv1D("attn.c_attn", block.Attention.QueryKeyValue),
                .. Conv1D("attn.c_proj", block.Attention.Output), .. Norm("ln_2", block.FeedForwardNorm),
                .. Conv1D("mlp.c_fc", block.FeedForward.Input), .. Conv1D("mlp.c_proj", block.FeedForward.Output),
            ];
            foreach ((string name, Tensor? view, long size) in parts)
                yield return ($"transformer.h.{layer}.{name}", view, size);
        }
        foreach (var part in Norm("transformer.ln_f", model.FinalNorm))
            yield return part;
        if (model.Output is not null)
            yield return ("lm_head.weight", model.Output.Weight, 0);

        // GPT-2's code calls a linear layer Conv1D and stores its weight as [inputs, outputs].
        static IEnumerable<(string, Tensor?, long)> Conv1D(string name, Linear linear) =>
            [(name + ".weight", linear.Weight.t(), 0), (name + ".bias", linear.Bias, linear.Weight.shape[0])];

        static IEnumerable<(string, Tensor?, long)> Norm(string name, Norm norm) =>
            [(name + ".weight", norm.Weight, 0), (name + ".bias", norm.Bias, norm.Weight.shape[0])];
    }

    private static IEnumerable<(string Name, Tensor? View, long Size)> Llama(GptModel model)
    {
        GptConfig config = model.Config;
        int keyValueSize = config.HeadSize!.Value * config.KeyValueHeadCount!.Value;
        int querySize = config.HeadSize.Value * config.HeadCount;
        yield return ("model.embed_tokens.weight", model.TokenEmbedding.Weight, 0);
        for (int layer = 0; layer < model.Blocks.Count; layer++)
        {
            GptBlock block = model.Blocks[layer];
            Linear qkv = block.Attention.QueryKeyValue, gateUp = block.FeedForward.Input;
            int inner = config.FeedForwardSize!.Value;
            IEnumerable<(string Name, Tensor? View, long Size)> parts =
            [
                ("input_layernorm.weight", block.AttentionNorm.Weight, 0),
                .. Rows("self_attn.q_proj", qkv, 0, querySize),
                .. Rows("self_attn.k_proj", qkv, querySize, keyValueSize),
                .. Rows("self_attn.v_proj", qkv, querySize + keyValueSize, keyValueSize),
                .. Rows("self_attn.o_proj", block.Attention.Output, 0, config.HiddenSize),
                ("post_attention_layernorm.weight", block.FeedForwardNorm.Weight, 0),
                .. Rows("mlp.gate_proj", gateUp, 0, inner),
                .. Rows("mlp.up_proj", gateUp, inner, inner),
                .. Rows("mlp.down_proj", block.FeedForward.Output, 0, config.HiddenSize),
            ];
            foreach ((string name, Tensor? view, long size) in parts)
                yield return ($"model.layers.{layer}.{name}", view, size);
        }
        yield return ("model.norm.weight", model.FinalNorm.Weight, 0);
        if (model.Output is not null)
            yield return ("lm_head.weight", model.Output.Weight, 0);

        static IEnumerable<(string, Tensor?, long)> Rows(string name, Linear linear, long start, long count)
        {
            yield return (name + ".weight", linear.Weight.narrow(0, start, count), 0);
            if (linear.Bias is not null)
                yield return (name + ".bias", linear.Bias.narrow(0, start, count), 0);
        }
    }
}
