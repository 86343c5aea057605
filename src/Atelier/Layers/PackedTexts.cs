using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Layers;

/// <summary>
/// The places of texts in rows that hold several of them. Attention is computed for texts of similar length together,
/// so that none attends to another and its time does not grow with the length of the rows.
/// </summary>
public sealed class PackedTexts
{
    private readonly IReadOnlyList<Group> _groups;
    private readonly Tensor _places; // of each token of the rows in the groups, one after another

    private PackedTexts(IReadOnlyList<Group> groups, Tensor places, Tensor positions) =>
        (_groups, _places, Positions) = (groups, places, positions);

    /// <summary>The position of each token in its text; 0 for padding. [batch, time], int64.</summary>
    internal Tensor Positions { get; }

    /// <summary>Finds the texts.</summary>
    /// <param name="positions">The position of each token in its text, from 0; −1 for padding at the end of a row.
    /// [batch, time], int64, on the CPU.</param>
    /// <param name="device">The device of the model.</param>
    /// <returns>The texts; their tensors are in the caller's dispose scope.</returns>
    public static PackedTexts Of(Tensor positions, Device device)
    {
        long[] all = positions.contiguous().data<long>().ToArray();
        var texts = new List<(int Start, int Length)>();
        for (int i = 0; i < all.Length; i++)
        {
            if (all[i] == 0)
                texts.Add((i, 1));
            else if (all[i] > 0)
                texts[^1] = texts[^1] with { Length = (int)all[i] + 1 };
        }
        var groups = new List<Group>();
        long[] places = new long[all.Length]; // padding takes the first token: what is computed there is not read
        int first = 0;
        foreach (var group in texts.GroupBy(text => BitOperations.Log2((uint)text.Length)))
        {
            int longest = group.Max(text => text.Length), row = 0, count = group.Count();
            long[] tokens = new long[count * longest];
            foreach ((int start, int length) in group)
            {
                for (int t = 0; t < longest; t++)
                    tokens[(row * longest) + t] = start + Math.Min(t, length - 1);
                for (int t = 0; t < length; t++)
                    places[start + t] = first + (row * longest) + t;
                row++;
            }
            groups.Add(new(tensor(tokens).to(device), count, longest));
            first += tokens.Length;
        }
        long[] known = Array.ConvertAll(all, position => Math.Max(0, position));
        return new PackedTexts(groups, tensor(places).to(device), tensor(known, positions.shape).to(device));
    }

    /// <summary>Mixes the tokens of each text.</summary>
    /// <param name="x">The rows, [batch, time, width].</param>
    /// <param name="mix">Mixes the tokens of texts, [texts, time, width], of which those after the end of a text are
    /// not read: it must be causal.</param>
    /// <returns>The rows, [batch, time, the width of the result].</returns>
    internal Tensor Mix(Tensor x, Func<Tensor, Tensor> mix)
    {
        Tensor tokens = x.flatten(0, 1);
        Tensor[] mixed = [.. _groups.Select(group => mix(tokens.index_select(0, group.Tokens)
            .view(group.Count, group.Longest, x.shape[2])).flatten(0, 1))];
        return cat(mixed).index_select(0, _places).view(x.shape[0], x.shape[1], -1);
    }

    /// <summary>Texts of similar length.</summary>
    /// <param name="Tokens">The place of each token in the rows, [count · longest], int64.</param>
    /// <param name="Count">The number of texts.</param>
    /// <param name="Longest">The length of the longest one.</param>
    private readonly record struct Group(Tensor Tokens, long Count, long Longest);
}
