using Atelier.Data.Video;
using Atelier.Tasks.Video;
using Atelier.Tensors;

namespace Atelier.Models.ConvLstm;

/// <summary>Convolutional LSTMs, which continue videos.</summary>
public sealed class ConvLstmFamily : VideoFamily<ConvLstmConfig, ConvLstmModel>
{
    /// <inheritdoc/>
    public override string Name => "convlstm";

    /// <inheritdoc/>
    public override string Description => "convolutional LSTM, which continues videos by the mean of the next frame";

    /// <inheritdoc/>
    protected override ConvLstmModel Create(ConvLstmConfig config, VideoSchema schema, Precision precision,
        long seed) => new(config, schema, precision, seed);

    /// <inheritdoc/>
    protected override Int128 LeastWeights(ConvLstmConfig config, VideoSchema schema)
    {
        config.Check(schema);
        // the gates of each layer read at least the hidden state
        return (Int128)4 * config.HiddenSize * config.HiddenSize * config.KernelSize * config.KernelSize
            * config.LayerCount;
    }

    /// <inheritdoc/>
    protected override ConvLstmConfig ConfigOf(ConvLstmModel model) => model.Config;
}
