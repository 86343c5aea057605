using Atelier.Layers;
using Atelier.Networks;
using Atelier.Tensors;
using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Embedding = Atelier.Layers.Embedding;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.Vae;

/// <summary>
/// The prior of discrete latents: a recurrent network (GRU) that predicts the code at each position from the codes
/// before it, row by row, from the position and from the class. Van den Oord et al. 2017, section 3.3, use a PixelCNN
/// instead.
/// </summary>
internal sealed class CodePrior : nn.Module
{
    private readonly int _positions, _codes;
    private readonly Embedding _begin, _code;
    [ComponentName(Name = "_place")] // as bundles name it
    private readonly Embedding _position;
    private readonly RecurrentLayer _layer;
    private readonly Linear _head;

    public CodePrior(int positions, int codes, int classes, int width, Precision precision, Generator random)
        : base(nameof(CodePrior))
    {
        (_positions, _codes) = (positions, codes);
        _begin = new Embedding(Math.Max(1, classes), width, 0.1, random);
        _code = new Embedding(codes, width, 0.1, random);
        _position = new Embedding(positions, width, 0.1, random);
        _layer = new RecurrentLayer(CellName.Gru, width, width, precision, random);
        _head = new Linear(width, codes, bias: true, precision, 1 / Math.Sqrt(width), random);
        RegisterComponents();
    }

    /// <summary>−log p(codes) of each image in nats, [batch].</summary>
    /// <param name="codes">[batch, positions], int64.</param>
    /// <param name="labels">[batch], int64; null without classes.</param>
    public Tensor NegativeLogLikelihood(Tensor codes, Tensor? labels)
    {
        long count = codes.shape[0];
        Tensor before = // [batch, positions, width]
            cat([Begin(count, labels, codes.device), _code.forward(codes.narrow(1, 0, _positions - 1))], 1);
        Tensor states = _layer.Forward(before.Plus(_position.Weight), _layer.EmptyState(count)).Output;
        Tensor logits = _head.forward(states).to(ScalarType.Float32).view(-1, _codes);
        return F.cross_entropy(logits, codes.reshape(-1), reduction: nn.Reduction.None).view(count, _positions)
            .sum([1]);
    }

    /// <summary>Samples codes one position after another by inverting their cumulative distribution.</summary>
    /// <param name="noise">[batch, positions], standard normal; Φ(noise) is where the distribution is inverted.</param>
    /// <param name="labels">[batch], int64; null without classes.</param>
    /// <returns>[batch, positions], int64.</returns>
    public Tensor Sample(Tensor noise, Tensor? labels)
    {
        using var scope = NewDisposeScope();
        long count = noise.shape[0];
        Tensor quantiles = noise.NormalCumulative();
        Tensor before = Begin(count, labels, noise.device);
        RecurrentState state = _layer.EmptyState(count);
        var drawn = new List<Tensor>();
        for (int position = 0; position < _positions; position++)
        {
            (Tensor output, state) = _layer.Forward(before.Plus(_position.Weight[position]), state);
            Tensor probabilities = _head.forward(output).to(ScalarType.Float32).squeeze(1).softmax(1); // [batch, codes]
            Tensor code = probabilities.cumsum(1).lt(quantiles.narrow(1, position, 1)).sum([1]).Clamped(0, _codes - 1);
            drawn.Add(code);
            before = _code.forward(code.unsqueeze(1));
        }
        return stack(drawn, 1).MoveToOuterDisposeScope();
    }

    /// <summary>The vector in place of a code before the first one, [batch, 1, width].</summary>
    private Tensor Begin(long count, Tensor? labels, Device device) =>
        _begin.forward(labels ?? zeros(count, ScalarType.Int64, device: device)).unsqueeze(1);
}
