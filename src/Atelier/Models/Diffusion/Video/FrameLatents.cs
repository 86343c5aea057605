using Atelier.Data.Video;
using Atelier.Layers;
using Atelier.Tensors;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Convolution = Atelier.Layers.Convolution;

namespace Atelier.Models.Diffusion.Video;

/// <summary>
/// An autoencoder of frames, which is trained along with the network that works on its latents (latent diffusion:
/// Rombach et al. 2022; of videos: Blattmann et al. 2023). The latents of a place have the length √size, and noise is
/// added to them in training, so that frames that look alike are encoded alike and the decoder forgives small errors.
/// </summary>
internal sealed class FrameLatents : nn.Module
{
    private const double Epsilon = 1e-6;
    private const int FramesPerReconstruction = 4; // neighbouring frames teach an autoencoder little more than one
    private readonly double _noise;
    private readonly ConvolutionalEncoder _encoder;
    private readonly ConvolutionalDecoder _decoder;
    private readonly Convolution _in, _out;

    /// <summary>Creates an autoencoder with new weights.</summary>
    public FrameLatents(VideoDiffusionConfig config, VideoSchema schema, Precision precision, Generator random)
        : base(nameof(FrameLatents))
    {
        _noise = config.LatentNoise;
        IReadOnlyList<int> levels = config.LatentLevels;
        _encoder = new ConvolutionalEncoder(schema.Channels, levels, blocks: 1, precision, random);
        _decoder = new ConvolutionalDecoder(levels, blocks: 1, schema.Channels, precision, random);
        _in = new Convolution(levels[^1], config.LatentSize, 1, 1, precision, random);
        _out = new Convolution(config.LatentSize, levels[^1], 1, 1, precision, random);
        RegisterComponents();
    }

    /// <summary>Returns the latents of clips, without gradients.</summary>
    /// <param name="clips">[batch, frames, channels, height, width], −1 to 1.</param>
    /// <returns>[batch, size, frames, height / 2^levels, width / 2^levels], fp32.</returns>
    public Tensor Encode(Tensor clips)
    {
        using var gradients = no_grad();
        return Latents(clips.flatten(0, 1)).unflatten(0, clips.shape[..2]).transpose(1, 2);
    }

    /// <summary>Returns the clips of latents, without gradients.</summary>
    /// <param name="latents">As <see cref="Encode"/> returns them.</param>
    /// <returns>[batch, frames, channels, height, width], fp32.</returns>
    public Tensor Decode(Tensor latents)
    {
        using var gradients = no_grad();
        Tensor frames = latents.transpose(1, 2);
        return Decoded(Normed(frames.flatten(0, 1))).unflatten(0, frames.shape[..2]);
    }

    /// <summary>
    /// The mean squared error of some frames that are encoded and decoded, as a share of their variance; a scalar.
    /// </summary>
    /// <param name="clips">[batch, frames, channels, height, width], −1 to 1.</param>
    /// <param name="random">Draws the frames and the noise; null draws from the step's own numbers.</param>
    public Tensor Reconstruction(Tensor clips, Generator? random)
    {
        Tensor frames = clips.flatten(0, 1);
        long count = Math.Max(1, frames.shape[0] / FramesPerReconstruction);
        Tensor order = empty([frames.shape[0]], device: clips.device).FillUniform(0, 1, random).argsort();
        frames = frames.index_select(0, order.narrow(0, 0, count));
        Tensor latents = Latents(frames);
        Tensor noise = empty(latents.shape, device: clips.device).FillNormal(random);
        return F.mse_loss(Decoded(latents.Plus(noise.Times(_noise))), frames).div(frames.var(unbiased: false));
    }

    private Tensor Latents(Tensor frames) => Normed(_in.forward(_encoder.forward(frames)).to(ScalarType.Float32));

    private Tensor Decoded(Tensor latents) => _decoder.forward(_out.forward(latents));

    /// <summary>The vectors of all places, [batch, size, height, width], with a root mean square of 1.</summary>
    private static Tensor Normed(Tensor x) => x.mul(x.Squared().mean([1], keepdim: true).PlusNumber(Epsilon).rsqrt());
}
