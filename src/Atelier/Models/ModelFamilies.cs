using Atelier.Tasks;

namespace Atelier.Models;

/// <summary>The families there are.</summary>
public static class ModelFamilies
{
    /// <summary>All of them, in the order that lists show.</summary>
    public static IReadOnlyList<IModelFamily> All { get; } =
    [
        new Ngram.NgramFamily(),
        new Gpt.GptFamily(),
        new Rnn.RnnFamily(),
        new Bert.BertFamily(),
        new Seq2Seq.Seq2SeqFamily(),
        new Transformer.TransformerFamily(),
        new T5.T5Family(),
        new Hmm.HmmFamily(),
        new BayesianNetwork.BayesianNetworkFamily(),
        new Independent.IndependentFamily(),
        new Diffusion.DiffusionFamily(autoencoders: [new Vae.VaeFamily()]),
        new Gan.GanFamily(),
        new Vae.VaeFamily(),
    ];
}
