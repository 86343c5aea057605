using Atelier.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Models.Gan;

/// <summary>
/// W / σ(W), where σ is the largest singular value of W as a matrix of its first dimension and all others (Miyato et
/// al. 2018, algorithm 1). The power iteration continues from step to step. It runs outside of the loss, so that all
/// parts of a batch use the same vector.
/// </summary>
internal sealed class SpectralNorm : nn.Module
{
    private const int FirstIterations = 20;
    private const double Tiny = 1e-12;
    private readonly Func<Parameter> _weight;

    /// <summary>Begins with a random vector and a few iterations.</summary>
    /// <param name="weight">Returns W, [outputs, ...], which belongs to another module.</param>
    /// <param name="random">Draws the vector.</param>
    public SpectralNorm(Func<Parameter> weight, Generator random)
        : base(nameof(SpectralNorm))
    {
        _weight = weight;
        register_buffer("left", empty(weight().shape[0]).normal_(0, 1, random)); // u
        for (int i = 0; i < FirstIterations; i++)
            Iterate();
    }

    /// <summary>One power iteration: v = Wᵀu / |Wᵀu|, u = Wv / |Wv|.</summary>
    public void Iterate()
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        Left().copy_(Normalised(Matrix().mv(Right())));
    }

    /// <summary>W / (uᵀWv). Gradients flow through both W (eq. 12), and not through u and v.</summary>
    public Tensor Weight()
    {
        Tensor right;
        using (no_grad())
            right = Right();
        Tensor largest = Left().dot(Matrix().mv(right));
        return _weight().div(largest);
    }

    private Tensor Left() => get_buffer("left")!;

    private Tensor Matrix() => _weight().view(_weight().shape[0], -1);

    private Tensor Right() => Normalised(Matrix().t().mv(Left()));

    private static Tensor Normalised(Tensor vector) => vector.div(vector.norm().PlusNumber(Tiny));
}
