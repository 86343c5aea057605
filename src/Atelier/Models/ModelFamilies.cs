using Atelier.Tasks;

namespace Atelier.Models;

/// <summary>The families there are.</summary>
public static class ModelFamilies
{
    /// <summary>All of them, in the order that lists show.</summary>
    public static IReadOnlyList<IModelFamily> All { get; } =
    [
        new Ngram.NgramFamily(),
        new Gpt.GptFamily { OtherTeachers = [new Rnn.RnnFamily()] },
        new Rnn.RnnFamily { OtherTeachers = [new Gpt.GptFamily()] },
        new Seq2Seq.Seq2SeqFamily(),
        new Transformer.TransformerFamily(),
        new T5.T5Family(),
        new Hmm.HmmFamily(), // before others of tagged sentences, so that it is the default
        new Bert.BertFamily(),
        new BayesianNetwork.BayesianNetworkFamily(),
        new Independent.IndependentFamily(),
        new Diffusion.DiffusionFamily(autoencoders: [new Vae.VaeFamily()]),
        new Diffusion.Video.VideoDiffusionFamily(),
        new ConvLstm.ConvLstmFamily(),
        new VideoLm.VideoLmFamily(),
        new Gan.GanFamily(),
        new Vae.VaeFamily(),
        new AudioCodec.AudioCodecFamily(),
        new AudioCodec.Vocoder.VocoderFamily(),
        new AudioLm.AudioLmFamily(codecs: [new AudioCodec.AudioCodecFamily()]),
    ];
}
