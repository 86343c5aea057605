using Atelier.Abstractions;
using Atelier.Data.Video;
using Atelier.Layers;
using Atelier.Tasks.Video;
using Atelier.Tensors;
using Atelier.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Convolution = Atelier.Layers.Convolution;

namespace Atelier.Models.ConvLstm;

/// <summary>
/// A convolutional LSTM (Shi et al. 2015), which predicts the mean of the next frame. It continues given frames: after
/// them, each prediction is the input of the next step, in training as well.
/// </summary>
public sealed class ConvLstmModel : VideoModel
{
    private readonly ModuleList<ConvLstmCell> _cells = new();
    private readonly Convolution _output;

    /// <summary>Creates a model with new weights, on the CPU.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="schema">The size, channels and length of its clips.</param>
    /// <param name="precision">The precision of products.</param>
    /// <param name="seed">The seed of the initial weights.</param>
    /// <exception cref="AtelierException">The configuration does not fit the clips.</exception>
    public ConvLstmModel(ConvLstmConfig config, VideoSchema schema, Precision precision, long seed)
        : base("convlstm", schema)
    {
        config.Check(schema);
        Config = config;
        int values = schema.Channels * config.PatchSize * config.PatchSize;
        using var random = new Generator((ulong)seed, CPU);
        for (int layer = 0; layer < config.LayerCount; layer++)
            _cells.Add(new ConvLstmCell(layer == 0 ? values : config.HiddenSize, config.HiddenSize, config.KernelSize,
                precision, random));
        _output = new Convolution((long)config.LayerCount * config.HiddenSize, values, 1, 1, precision, random);
        if (config.Residual)
        {
            using var gradients = no_grad();
            foreach (Parameter parameter in _output.parameters())
                parameter.zero_();
        }
        register_module("cells", _cells);
        register_module("output", _output);
        Objectives = [new Objective<VideoBatch>("loss", Loss, [.. parameters()])];
    }

    /// <summary>The configuration.</summary>
    public ConvLstmConfig Config { get; }

    /// <inheritdoc/>
    public override bool IsConditional => false;

    /// <inheritdoc/>
    public override bool GeneratesFreely => false;

    /// <inheritdoc/>
    public override IReadOnlyList<Objective<VideoBatch>> Objectives { get; }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Evaluate(VideoBatch batch) =>
        new Dictionary<string, double> { ["loss"] = Loss(batch).Number() };

    /// <inheritdoc/>
    public override Tensor Sample(Tensor noise, GivenFrames? given, Tensor? labels, VideoSampling sampling,
        Generator random, CancellationToken cancellation = default)
    {
        if (given is not { ArePrefix: true })
            throw new AtelierException("the model only continues the first frames of a clip", Mention.Field("given"),
                "give the first frames, such as 0-3");
        int count = given.IsGiven.Count(one => one);
        return BatchRows.Map((clips, _) => cat([clips.narrow(1, 0, count),
            Predict(clips, count, cancellation).narrow(1, count - 1, Schema.Frames - count).Clamped(-1, 1)], 1),
            given.Frames);
    }

    /// <summary>The mean squared error of the frames after the first quarter, which is given.</summary>
    private Tensor Loss(VideoBatch batch)
    {
        int count = VideoTask.GivenCount(Schema), predicted = Schema.Frames - count;
        return F.mse_loss(Predict(batch.Frames, count).narrow(1, count - 1, predicted),
            batch.Frames.narrow(1, count, predicted));
    }

    /// <summary>Predicts each frame but the first.</summary>
    /// <param name="clips">[batch, frames, channels, height, width], of which the first frames are read.</param>
    /// <param name="given">The number of frames that are read.</param>
    /// <param name="cancellation">Cancels before the next frame.</param>
    /// <returns>[batch, frames − 1, channels, height, width], fp32.</returns>
    private Tensor Predict(Tensor clips, int given, CancellationToken cancellation = default)
    {
        int patch = Config.PatchSize;
        long batch = clips.shape[0], height = Schema.Height / patch, width = Schema.Width / patch;
        var states = new (Tensor Hidden, Tensor Cell)[_cells.Count];
        for (int layer = 0; layer < states.Length; layer++)
            states[layer] = (zeros([batch, Config.HiddenSize, height, width], device: clips.device),
                zeros([batch, Config.HiddenSize, height, width], device: clips.device));
        var predictions = new List<Tensor>();
        for (int frame = 0; frame + 1 < Schema.Frames; frame++)
        {
            cancellation.ThrowIfCancellationRequested();
            Tensor before = frame < given ? clips.select(1, frame) : predictions[^1];
            Tensor x = F.pixel_unshuffle(before, patch);
            for (int layer = 0; layer < states.Length; layer++)
            {
                states[layer] = _cells[layer].Forward(x, states[layer].Hidden, states[layer].Cell);
                x = states[layer].Hidden;
            }
            Tensor output = F.pixel_shuffle(
                _output.forward(cat([.. states.Select(state => state.Hidden)], 1)).to(ScalarType.Float32), patch);
            predictions.Add(Config.Residual ? before.Plus(output) : output);
        }
        return stack(predictions, 1);
    }
}
