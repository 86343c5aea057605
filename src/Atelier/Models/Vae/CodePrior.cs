using Atelier.Layers;
using Atelier.Networks;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Embedding = Atelier.Layers.Embedding;
using Linear = Atelier.Layers.Linear;

namespace Atelier.Models.Vae;

/// <summary>
/// The distribution of discrete latents: each place's code given those before it, row by row, and the class. A
/// recurrent network (GRU) that receives the position; the part that PixelCNN has in van den Oord et al. 2017, section
/// 3.3.
/// </summary>
internal sealed class CodePrior : nn.Module
{
    private readonly int _places, _codes;
    private readonly Embedding _begin, _code, _place;
    private readonly RecurrentLayer _layer;
    private readonly Linear _head;

    public CodePrior(int places, int codes, int classes, int width, Precision precision, Generator random)
        : base(nameof(CodePrior))
    {
        (_places, _codes) = (places, codes);
        _begin = new Embedding(Math.Max(1, classes), width, 0.1, random);
        _code = new Embedding(codes, width, 0.1, random);
        _place = new Embedding(places, width, 0.1, random);
        _layer = new RecurrentLayer(CellName.Gru, width, width, precision, random);
        _head = new Linear(width, codes, bias: true, precision, 1 / Math.Sqrt(width), random);
        RegisterComponents();
    }

    /// <summary>−log p(codes) of each picture in nats, [batch].</summary>
    /// <param name="codes">[batch, places], int64.</param>
    /// <param name="labels">[batch], int64; null without classes.</param>
    public Tensor NegativeLogLikelihood(Tensor codes, Tensor? labels)
    {
        long count = codes.shape[0];
        // [batch, places, width]
        Tensor before = cat([Begin(count, labels, codes.device), _code.forward(codes.narrow(1, 0, _places - 1))], 1);
        Tensor read = _layer.Forward(before.Plus(_place.Weight), _layer.EmptyState(count)).Output;
        Tensor logits = _head.forward(read).to(ScalarType.Float32).view(-1, _codes);
        return F.cross_entropy(logits, codes.reshape(-1), reduction: nn.Reduction.None).view(count, _places).sum([1]);
    }

    /// <summary>Draws codes one place after another by inverting their cumulative distribution.</summary>
    /// <param name="noise">[batch, places], standard normal: Φ of it is the chance at each place.</param>
    /// <param name="labels">As in <see cref="NegativeLogLikelihood"/>.</param>
    /// <returns>[batch, places], int64.</returns>
    public Tensor Sample(Tensor noise, Tensor? labels)
    {
        using var scope = NewDisposeScope();
        long count = noise.shape[0];
        Tensor chances = noise.Times(Math.Sqrt(0.5)).erf().Times(0.5).PlusNumber(0.5);
        Tensor before = Begin(count, labels, noise.device);
        RecurrentState state = _layer.EmptyState(count);
        var drawn = new List<Tensor>();
        for (int place = 0; place < _places; place++)
        {
            (Tensor read, state) = _layer.Forward(before.Plus(_place.Weight[place]), state);
            Tensor shares = _head.forward(read).to(ScalarType.Float32).squeeze(1).softmax(1); // [batch, codes]
            Tensor code = shares.cumsum(1).lt(chances.narrow(1, place, 1)).sum([1]).Clamped(0, _codes - 1);
            drawn.Add(code);
            before = _code.forward(code.unsqueeze(1));
        }
        return stack(drawn, 1).MoveToOuterDisposeScope();
    }

    /// <summary>What stands before the first code, [batch, 1, width].</summary>
    private Tensor Begin(long count, Tensor? labels, Device device) =>
        _begin.forward(labels ?? zeros(count, ScalarType.Int64, device: device)).unsqueeze(1);
}
