using System.Runtime.InteropServices;
using Atelier.Abstractions;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Tasks.Text;

/// <summary>The decoding state of several sequences in a <see cref="TextModel"/>.</summary>
internal sealed class TextDecodingState(TextModel model, int sequences) : IDecodingState
{
    private readonly TextMemory _memory = model.CreateMemory(sequences);

    public int Sequences { get; private set; } = sequences;

    public int Length { get; private set; }

    public void Append(ReadOnlySpan<int> tokens, Span<float> logits)
    {
        int added = this.CheckAppend(tokens, logits, model.ContextLength, model.VocabularySize);
        lock (model.Gate)
        {
            using var evaluation = new EvaluationMode(model);
            using var scope = NewDisposeScope();
            Tensor ids = Longs(tokens).view(Sequences, added).to(model.Device);
            Tensor last = model.Encode(ids, _memory).narrow(1, added - 1, 1).squeeze(1); // [sequences, hidden]
            Tensor next = model.Head(last).to(ScalarType.Float32).cpu().contiguous();
            MemoryMarshal.Cast<byte, float>(next.bytes).CopyTo(logits);
        }
        Length += added;
    }

    public void Select(ReadOnlySpan<int> parents)
    {
        foreach (int parent in parents)
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)parent, (uint)Sequences, nameof(parents));
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        _memory.Select(Longs(parents).to(model.Device));
        Sequences = parents.Length;
    }

    public void Dispose() => _memory.Dispose();

    internal static Tensor Longs(ReadOnlySpan<int> values)
    {
        long[] wide = new long[values.Length];
        for (int i = 0; i < wide.Length; i++)
            wide[i] = values[i];
        return tensor(wide);
    }
}
