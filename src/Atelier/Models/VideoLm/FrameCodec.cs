using Atelier.Layers;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Convolution = Atelier.Layers.Convolution;

namespace Atelier.Models.VideoLm;

/// <summary>
/// An autoencoder of frames with discrete latents (van den Oord et al. 2017): a code at each position of the lowest
/// resolution.
/// </summary>
internal sealed class FrameCodec : nn.Module
{
    private readonly VideoLmConfig _config;
    private readonly long _height, _width; // of the codes of a frame
    private readonly ConvolutionalEncoder _encoder;
    private readonly ConvolutionalDecoder _decoder;
    private readonly Convolution _in, _out;
    private readonly Codebook _codebook;

    /// <summary>Creates a codec with new weights.</summary>
    public FrameCodec(VideoLmConfig config, int channels, int height, int width, Precision precision, Generator random)
        : base(nameof(FrameCodec))
    {
        _config = config;
        (_height, _width) = (height >> config.Channels.Count, width >> config.Channels.Count);
        _encoder = new ConvolutionalEncoder(channels, config.Channels, config.Blocks, precision, random);
        _decoder = new ConvolutionalDecoder(config.Channels, config.Blocks, channels, precision, random);
        _in = new Convolution(config.Channels[^1], config.LatentSize, 1, 1, precision, random);
        _out = new Convolution(config.LatentSize, config.Channels[^1], 1, 1, precision, random);
        _codebook = new Codebook(config.Codes, config.LatentSize, config.CodeDecay);
        RegisterComponents();
    }

    /// <summary>Codes frames and decodes them. In training, they are noted for <see cref="Follow"/>.</summary>
    /// <param name="frames">[frames, channels, height, width], −1 to 1.</param>
    public Result Through(Tensor frames)
    {
        Tensor vectors = Vectors(frames); // [frames · positions, size]
        if (training)
            _codebook.Note(vectors);
        Tensor codes = _codebook.Nearest(vectors.detach()), quantised = _codebook.Codes.index_select(0, codes);
        // the straight-through estimator: the gradient passes as if nothing had been quantised (section 3.2)
        Tensor decoded = Decoded(vectors.Plus(quantised.sub(vectors).detach()), frames.shape[0]);
        Tensor variance = frames.var(unbiased: false);
        return new Result(codes.view(frames.shape[0], -1), F.mse_loss(decoded, frames).div(variance),
            vectors.sub(quantised).Squared().mean().Times(_config.Commitment)); // eq. 3, third term
    }

    /// <summary>Moves the codes towards the frames of a training step, those of the replicas too.</summary>
    public void Follow() => _codebook.Follow();

    /// <summary>Forgets the frames that were noted.</summary>
    public void Forget() => _codebook.Forget();

    /// <summary>Lets <see cref="Follow"/> use the frames of a replica as well.</summary>
    public void Join(FrameCodec replica) => _codebook.Join(replica._codebook);

    /// <summary>Returns the codes of frames, [frames, positions], int64, row by row of each frame.</summary>
    /// <param name="frames">[frames, channels, height, width], −1 to 1.</param>
    public Tensor Encode(Tensor frames) => _codebook.Nearest(Vectors(frames)).view(frames.shape[0], -1);

    /// <summary>Returns the frames of codes.</summary>
    /// <param name="codes">[frames, positions], int64.</param>
    /// <returns>[frames, channels, height, width], fp32.</returns>
    public Tensor Decode(Tensor codes) => Decoded(_codebook.Codes.index_select(0, codes.flatten()), codes.shape[0]);

    private Tensor Vectors(Tensor frames) =>
        _in.forward(_encoder.forward(frames)).to(ScalarType.Float32).permute(0, 2, 3, 1).flatten(0, 2);

    private Tensor Decoded(Tensor vectors, long frames) =>
        _decoder.forward(_out.forward(vectors.view(frames, _height, _width, -1).permute(0, 3, 1, 2)));

    /// <summary>Frames that were coded and decoded.</summary>
    /// <param name="Codes">[frames, positions], int64.</param>
    /// <param name="Reconstruction">The mean squared error as a share of the variance of the frames, a scalar.</param>
    /// <param name="Commitment">The weighted distance of encodings from their codes, a scalar.</param>
    internal sealed record Result(Tensor Codes, Tensor Reconstruction, Tensor Commitment);
}
