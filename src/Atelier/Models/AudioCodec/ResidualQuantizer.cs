using Atelier.Layers;
using Atelier.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Models.AudioCodec;

/// <summary>
/// Residual vector quantisation: the first codebook codes a vector, and each further one codes what is left of it
/// (Zeghidour et al. 2021, algorithm 1).
/// </summary>
internal sealed class ResidualQuantizer : nn.Module
{
    private const double Tiny = 1e-8; // silence may have vectors of zeros
    private readonly ModuleList<Codebook> _codebooks = new();

    public ResidualQuantizer(AudioCodecConfig config)
        : base(nameof(ResidualQuantizer))
    {
        for (int i = 0; i < config.CodebookCount; i++)
            _codebooks.Add(new Codebook(config.CodebookSize, config.CodeDimension, config.CodeDecay));
        RegisterComponents();
    }

    /// <summary>Quantises vectors in training.</summary>
    /// <param name="vectors">[vectors, size], fp32.</param>
    /// <param name="counts">The number of codebooks of each vector, [vectors], fp32; null for all.</param>
    /// <param name="isLearning">Whether the vectors are noted for <see cref="Follow"/>.</param>
    public Result Quantise(Tensor vectors, Tensor? counts, bool isLearning)
    {
        Tensor residual = vectors, sum = zeros_like(vectors), commitment = zeros(1, device: vectors.device);
        var codes = new List<Tensor>();
        foreach ((int i, Codebook codebook) in _codebooks.Index())
        {
            if (isLearning)
                codebook.Note(residual);
            Tensor code = codebook.Nearest(residual.detach()), quantised = codebook.Codes.index_select(0, code);
            codes.Add(code);
            residual = residual.sub(quantised);
            Tensor distance = residual.Squared().mean([1], keepdim: true); // [vectors, 1]
            if (counts is not null)
            {
                Tensor kept = counts.AtLeast(i + 1).to(ScalarType.Float32).unsqueeze(1); // [vectors, 1]
                (quantised, distance) = (quantised.mul(kept), distance.mul(kept));
            }
            sum = sum.Plus(quantised);
            commitment = commitment.Plus(distance.mean());
        }
        // the straight-through estimator: the gradient passes as if nothing had been quantised
        Tensor through = vectors.Plus(sum.sub(vectors).detach());
        Tensor size = vectors.detach().Squared().mean().PlusNumber(Tiny);
        return new Result(through, commitment.Times(1.0 / _codebooks.Count).div(size), stack(codes));
    }

    /// <summary>Moves the codes towards the vectors of a training step, those of the replicas too.</summary>
    /// <remarks>At first, each codebook begins with what the ones before it leave.</remarks>
    public void Follow()
    {
        if (!_codebooks[0].IsNew)
        {
            foreach (Codebook codebook in _codebooks)
                codebook.Follow();
            return;
        }
        using var scope = NewDisposeScope();
        if (_codebooks[0].TakeNotes() is not { } residual)
            return;
        foreach (Codebook codebook in _codebooks)
        {
            codebook.TakeNotes()?.Dispose(); // residuals of codes that were not there yet
            codebook.Update(residual);
            residual = residual.sub(codebook.Codes.index_select(0, codebook.Nearest(residual)));
        }
    }

    /// <summary>Forgets the vectors that were noted.</summary>
    public void Forget()
    {
        foreach (Codebook codebook in _codebooks)
            codebook.Forget();
    }

    /// <summary>Lets <see cref="Follow"/> use the vectors of a replica as well.</summary>
    public void Join(ResidualQuantizer replica)
    {
        foreach ((Codebook codebook, Codebook other) in _codebooks.Zip(replica._codebooks))
            codebook.Join(other);
    }

    /// <summary>Returns the codes of vectors.</summary>
    /// <param name="vectors">[vectors, size], fp32.</param>
    /// <param name="count">The number of codebooks.</param>
    /// <returns>[count, vectors], int64.</returns>
    public Tensor Encode(Tensor vectors, int count)
    {
        Tensor residual = vectors;
        var codes = new List<Tensor>();
        foreach (Codebook codebook in _codebooks.Take(count))
        {
            Tensor code = codebook.Nearest(residual);
            residual = residual.sub(codebook.Codes.index_select(0, code));
            codes.Add(code);
        }
        return stack(codes);
    }

    /// <summary>Returns the vectors of codes: the sum over codebooks.</summary>
    /// <param name="codes">[count, vectors], int64.</param>
    /// <returns>[vectors, size].</returns>
    public Tensor Decode(Tensor codes) => _codebooks.Take((int)codes.shape[0])
        .Select((codebook, i) => codebook.Codes.index_select(0, codes[i])).Aggregate((sum, part) => sum.Plus(part));

    /// <summary>Quantised vectors.</summary>
    /// <param name="Vectors">[vectors, size]; gradients pass to the original vectors.</param>
    /// <param name="Commitment">The mean squared distance to the codes as a share of the vectors' mean square,
    /// [1].</param>
    /// <param name="Codes">[codebooks, vectors], int64.</param>
    internal sealed record Result(Tensor Vectors, Tensor Commitment, Tensor Codes);
}
