using Atelier.Layers;
using Atelier.Tensors;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Atelier.Models.Seq2Seq;

/// <summary>
/// A layer of an encoder: a recurrent layer, and in a bidirectional encoder a second one that reads from each source's
/// own end to its beginning (Bahdanau et al. 2015, section 3.2).
/// </summary>
internal sealed class EncoderLayer : nn.Module
{
    [ComponentName(Name = "forward")]
    private readonly RecurrentLayer _forward;
    [ComponentName(Name = "backward")]
    private readonly RecurrentLayer? _backward;

    /// <summary>Creates the layer with new weights.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="inputSize">The width of the input.</param>
    /// <param name="precision">The precision of the products.</param>
    /// <param name="random">Draws the weights.</param>
    public EncoderLayer(Seq2SeqConfig config, int inputSize, Precision precision, Generator random)
        : base(nameof(EncoderLayer))
    {
        RecurrentLayer Direction() => new(config.Cell, inputSize, config.DirectionSize, precision, random);
        _forward = Direction();
        _backward = config.Bidirectional ? Direction() : null;
        RegisterComponents();
    }

    /// <summary>Computes the states of both directions at each position.</summary>
    /// <param name="x">[batch, span, input].</param>
    /// <param name="reversal">The result of <see cref="Reversal"/>; not used if there is one direction.</param>
    /// <returns>[h→; h←], [batch, span, hidden].</returns>
    public Tensor Forward(Tensor x, Tensor reversal)
    {
        Tensor forward = _forward.Forward(x, cache: null);
        if (_backward is null)
            return forward;
        Tensor backward = _backward.Forward(Reorder(x, reversal), cache: null);
        return cat([forward, Reorder(backward, reversal)], -1);
    }

    /// <summary>The index of each source's last token, [batch, 1], int64.</summary>
    /// <param name="padding">True at padding, which follows the tokens, [batch, span], bool.</param>
    public static Tensor LastToken(Tensor padding) =>
        Positions(padding).mul(padding.logical_not()).amax([1], keepdim: true);

    /// <summary>
    /// The order in which the tokens of each source are reversed and its padding stays in place: indices of a batch's
    /// positions, [batch · span], int64. It is its own inverse.
    /// </summary>
    /// <param name="padding">As in <see cref="LastToken"/>.</param>
    public static Tensor Reversal(Tensor padding)
    {
        (long batch, long span) = (padding.shape[0], padding.shape[1]);
        Tensor positions = Positions(padding);
        Tensor reversed = where(padding, positions, LastToken(padding).Plus(positions.neg())); // [batch, span]
        Tensor first = KeptScalars.Range(batch * span, ScalarType.Int64, padding.device).view(batch, span)
            .narrow(1, 0, 1); // the index of each source's first position
        return reversed.Plus(first).view(-1);
    }

    private static Tensor Positions(Tensor padding) =>
        KeptScalars.Range(padding.shape[1], ScalarType.Int64, padding.device);

    private static Tensor Reorder(Tensor x, Tensor order) => x.flatten(0, 1).index_select(0, order).view_as(x);
}
