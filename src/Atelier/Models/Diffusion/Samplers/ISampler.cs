using static TorchSharp.torch;

namespace Atelier.Models.Diffusion.Samplers;

/// <summary>
/// Predicts the image and the noise in a noisy image: a network with its prediction converted, or a closed form.
/// </summary>
/// <param name="x">x_t, [batch, ...].</param>
/// <param name="t">The time, above 0.</param>
public delegate DenoiserOutput Denoiser(Tensor x, double t);

/// <summary>A sampler: turns noise into images.</summary>
public interface ISampler
{
    /// <summary>The name in recipes and options.</summary>
    string Name { get; }

    /// <summary>Samples images from noise.</summary>
    /// <param name="denoiser">The denoising function.</param>
    /// <param name="schedule">α and σ.</param>
    /// <param name="times">Times in descending order, the last 0: <see cref="NoiseSchedule.Times"/>.</param>
    /// <param name="noise">Standard normal noise, [batch, ...].</param>
    /// <param name="random">The random numbers that a sampler adds in its steps.</param>
    Tensor Sample(Denoiser denoiser, NoiseSchedule schedule, IReadOnlyList<double> times, Tensor noise,
        Generator random);
}

/// <summary>The list of samplers.</summary>
public static class DiffusionSamplers
{
    /// <summary>All samplers.</summary>
    public static IReadOnlyList<ISampler> All { get; } =
        [new AncestralSampler(), new DdimSampler(), new EulerSampler(), new HeunSampler(), new DpmSolverSampler()];

    /// <summary>Finds a sampler by name.</summary>
    /// <param name="name">The name.</param>
    /// <param name="where">Where the name comes from, for the error; null takes the field of a request.</param>
    /// <exception cref="AtelierException">There is none.</exception>
    public static ISampler Find(string name, string? where = null) =>
        All.FirstOrDefault(sampler => sampler.Name == name)
        ?? throw new AtelierException($"there is no sampler '{name}'", where ?? Mention.Field("sampler"),
            $"the samplers are {string.Join(", ", All.Select(s => s.Name))}");
}
