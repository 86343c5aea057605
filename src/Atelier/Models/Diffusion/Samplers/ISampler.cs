using static TorchSharp.torch;

namespace Atelier.Models.Diffusion.Samplers;

/// <summary>
/// Says what a noisy picture at a time is made of: a network with its prediction turned into parts, or a closed form.
/// </summary>
/// <param name="x">x_t, [batch, ...].</param>
/// <param name="t">The time, above 0.</param>
public delegate DenoiserOutput Denoiser(Tensor x, double t);

/// <summary>Goes from noise to pictures.</summary>
public interface ISampler
{
    /// <summary>The name in recipes and options.</summary>
    string Name { get; }

    /// <summary>Goes from noise at the first time to pictures at the last.</summary>
    /// <param name="denoiser">The model.</param>
    /// <param name="schedule">α and σ.</param>
    /// <param name="times">Falling, the last 0: <see cref="NoiseSchedule.Times"/>.</param>
    /// <param name="noise">Standard normal, [batch, ...].</param>
    /// <param name="random">The random numbers that a sampler adds in its steps.</param>
    Tensor Sample(Denoiser denoiser, NoiseSchedule schedule, IReadOnlyList<double> times, Tensor noise,
        Generator random);
}

/// <summary>The samplers there are.</summary>
public static class DiffusionSamplers
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<ISampler> All { get; } =
        [new AncestralSampler(), new DdimSampler(), new EulerSampler(), new HeunSampler(), new DpmSolverSampler()];

    /// <summary>The sampler of that name.</summary>
    /// <exception cref="AtelierException">There is none.</exception>
    public static ISampler Find(string name) => All.FirstOrDefault(sampler => sampler.Name == name)
        ?? throw new AtelierException($"there is no sampler '{name}'", "sampler",
            $"there are {string.Join(", ", All.Select(s => s.Name))}");
}
