using Atelier.Abstractions;
using Atelier.Data.Audio;
using Atelier.Tensors;
using Atelier.Training;
using static TorchSharp.torch;

namespace Atelier.Tasks.Audio;

/// <summary>A network that generates sounds as the codes of a codec.</summary>
/// <param name="name">The family's name.</param>
/// <param name="schema">The sample rate, channels, length and classes of its clips.</param>
/// <param name="codes">The shape of the codes of a clip.</param>
public abstract class SoundModel(string name, AudioSchema schema, CodeShape codes) : GradientModel<CodeBatch>(name)
{
    /// <summary>The sample rate, channels, length and classes of its clips.</summary>
    public AudioSchema Schema { get; } = schema;

    /// <summary>The shape of the codes of a clip.</summary>
    public CodeShape Codes { get; } = codes;

    /// <summary>Whether it generates sounds of a requested class.</summary>
    public abstract bool IsConditional { get; }

    /// <summary>Computes how unlikely codes are under the model, given the classes.</summary>
    /// <param name="batch">The codes of clips.</param>
    /// <returns>The negative log-likelihood of each code in nats, [batch, codebooks, frames], fp32.</returns>
    public abstract Tensor NegativeLogLikelihood(CodeBatch batch);

    /// <summary>Generates the codes of sounds. Called in evaluation mode without gradients.</summary>
    /// <param name="sampling">What to generate.</param>
    /// <param name="cancellation">Cancels before the next step.</param>
    /// <returns>[sound][codebook][frame]; they begin with the given codes.</returns>
    public abstract int[][][] Sample(SoundSampling sampling, CancellationToken cancellation = default);

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Evaluate(CodeBatch batch)
    {
        using var scope = NewDisposeScope();
        return new Dictionary<string, double> { ["loss"] = NegativeLogLikelihood(batch).mean().Number() };
    }

    /// <inheritdoc/>
    public override string Unit(string figure) => "nats per code";
}

/// <summary>Which codes a <see cref="SoundModel"/> generates, and how.</summary>
/// <param name="Frames">The number of frames of each sound, with the given ones.</param>
/// <param name="Seeds">The seed of each sound.</param>
/// <param name="Decoding">The temperature and the filters of codes.</param>
public sealed record SoundSampling(int Frames, IReadOnlyList<ulong> Seeds, DecodingOptions Decoding)
{
    /// <summary>The class of each sound; null for any class, and for a model without classes.</summary>
    public IReadOnlyList<int>? Labels { get; init; }

    /// <summary>The codes that all sounds begin with, [codebook][frame]; null for none.</summary>
    public IReadOnlyList<int[]>? Given { get; init; }

    /// <summary>The scale of classifier-free guidance; 1 samples the distribution of the class.</summary>
    public double Guidance { get; init; } = 1;
}
