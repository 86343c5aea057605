using Atelier.Data.Audio;
using Atelier.Layers;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Models.AudioCodec;

/// <summary>
/// Spectrograms through which gradients flow. The short-time Fourier transform is a matrix product over windows.
/// </summary>
internal sealed class Spectrogram : IDisposable
{
    private const int Overlap = 4; // windows over each sample
    private const double Compression = 0.7, Tiny = 1e-6; // |X|^0.3 and −60 dB

    private readonly SpectralScale _scale;
    private readonly Tensor _basis; // [window, 2 · bins]
    private readonly Tensor _filters; // [bins, bands]
    private readonly Dictionary<Device, (Tensor Basis, Tensor Filters)> _elsewhere = [];

    public Spectrogram(SpectralScale scale)
    {
        _scale = scale;
        int size = scale.Window, bins = (size / 2) + 1;
        var basis = new float[size, 2 * bins];
        for (int i = 0; i < size; i++)
        {
            double window = scale.Factor * (0.5 - (0.5 * Math.Cos(Math.Tau * i / size)));
            for (int bin = 0; bin < bins; bin++)
            {
                (double sine, double cosine) = Math.SinCos(Math.Tau * ((long)i * bin % size) / size);
                (basis[i, bin], basis[i, bins + bin]) = ((float)(window * cosine), (float)(-window * sine));
            }
        }
        float[][] bands = scale.Filters();
        var filters = new float[bins, scale.Bands];
        for (int bin = 0; bin < bins; bin++)
        {
            for (int band = 0; band < scale.Bands; band++)
                filters[bin, band] = bands[band][bin];
        }
        (_basis, _filters) = (tensor(basis).DetachFromDisposeScope(), tensor(filters).DetachFromDisposeScope());
    }

    /// <summary>The spectrum of each frame; a sine of full scale has the magnitude 1.</summary>
    /// <param name="samples">[sounds, time].</param>
    /// <returns>Real and imaginary parts, [sounds, frames, bins] each; as many frames as hops begin.</returns>
    public (Tensor Real, Tensor Imaginary) Spectrum(Tensor samples)
    {
        int hop = _scale.Hop;
        long time = samples.shape[1], frames = 1 + (time / hop), blocks = frames + Overlap - 1;
        int before = _scale.Window / 2;
        Tensor padded = TimeWindows.Pad(samples.unsqueeze(2), before, Math.Max(0, (blocks * hop) - before - time))
            .narrow(1, 0, blocks * hop).reshape(samples.shape[0], blocks, hop);
        Tensor spectrum = TimeWindows.Of(padded, Overlap).matmul(On(samples.device).Basis);
        long bins = spectrum.shape[2] / 2;
        return (spectrum.narrow(2, 0, bins), spectrum.narrow(2, bins, bins));
    }

    /// <summary>The level of each mel band, as <see cref="SpectralScale.Levels"/> defines it.</summary>
    /// <param name="samples">[sounds, time].</param>
    /// <returns>[sounds, frames, bands], in bels of full scale.</returns>
    public Tensor Levels(Tensor samples)
    {
        (Tensor real, Tensor imaginary) = Spectrum(samples);
        return real.Squared().Plus(imaginary.Squared()).matmul(On(samples.device).Filters)
            .PlusNumber(SpectralScale.Floor).log10();
    }

    /// <summary>The spectrum with its magnitudes raised to the power of 0.3, so that quiet parts count too.</summary>
    /// <param name="samples">[sounds, time].</param>
    /// <returns>[sounds, 2, frames, bins].</returns>
    public Tensor Compressed(Tensor samples)
    {
        (Tensor real, Tensor imaginary) = Spectrum(samples);
        Tensor factor = real.Squared().Plus(imaginary.Squared()).PlusNumber(Tiny).log().Times(-Compression / 2).exp();
        return stack([real.mul(factor), imaginary.mul(factor)], 1);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _basis.Dispose();
        _filters.Dispose();
        foreach ((Tensor basis, Tensor filters) in _elsewhere.Values)
        {
            basis.Dispose();
            filters.Dispose();
        }
        _elsewhere.Clear();
    }

    private (Tensor Basis, Tensor Filters) On(Device device)
    {
        if (device.type == TorchSharp.DeviceType.CPU)
            return (_basis, _filters);
        if (!_elsewhere.TryGetValue(device, out (Tensor Basis, Tensor Filters) moved))
        {
            moved = (_basis.to(device).DetachFromDisposeScope(), _filters.to(device).DetachFromDisposeScope());
            _elsewhere.Add(device, moved);
        }
        return moved;
    }
}
