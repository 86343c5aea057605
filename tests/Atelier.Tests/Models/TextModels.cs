using Atelier.Data.Text;
using Atelier.Tasks.Text;
using static TorchSharp.torch;

namespace Atelier.Tests.Models;

/// <summary>What tests of text models share: batches of seeded tokens, and logits as arrays.</summary>
internal static class TextModels
{
    public static int[] RandomTokens(int count, int vocabularySize, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(vocabularySize))];
    }

    public static Tensor Ids(int[] tokens, int rows) =>
        tensor(tokens.Select(t => (long)t).ToArray()).view(rows, tokens.Length / rows);

    public static TextBatch RandomBatch(int rows, int time, int vocabularySize, int seed)
    {
        using Tensor all = Ids(RandomTokens(rows * (time + 1), vocabularySize, seed), rows);
        return new TextBatch(all.narrow(1, 0, time).contiguous(), all.narrow(1, 1, time).contiguous());
    }

    /// <summary>Logits [time · vocabulary] of one row of tokens, in evaluation mode.</summary>
    public static float[] Logits(TextModel model, int[] tokens)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        model.eval();
        return model.Forward(Ids(tokens, 1)).to(ScalarType.Float32).contiguous().data<float>().ToArray();
    }

    public static void ShouldBeNear(this IReadOnlyList<float> actual, IReadOnlyList<float> expected, double tolerance)
    {
        actual.Count.ShouldBe(expected.Count);
        for (int i = 0; i < actual.Count; i++)
            ((double)actual[i]).ShouldBe(expected[i], tolerance, $"at {i}");
    }
}
