using Atelier.Networks;

namespace Atelier.Runtime.Tests.Networks;

public sealed unsafe class RotaryTableTests
{
    [Theory]
    [InlineData(RotaryPairs.Halves)]
    [InlineData(RotaryPairs.Neighbours)]
    public void A_long_context_costs_memory_only_for_the_positions_that_texts_reach(RotaryPairs pairs)
    {
        var config = new DecoderConfig
        {
            VocabularySize = 8, ContextLength = 1 << 20, HiddenSize = 64, LayerCount = 1, HeadCount = 1, HeadSize = 64,
                FeedForwardSize = 64,
            KeyValueHeadCount = 1, Positions = PositionName.Rotary, Norm = NormName.Rms,
                Activation = ActivationName.SwiGlu, RotaryPairs = pairs,
        };
        var table = new RotaryTable(config);
        table.Bytes.ShouldBe(0);
        Parallel.ForEach((int[])[0, 1, 255, 256, 70_000, 70_001], position =>
        {
            float[] head = [.. Enumerable.Range(0, 64).Select(i => i + 1f)];
            fixed (float* at = head)
                table.Rotate(at, position);
            for (int i = 0; i < 32; i++)
            {
                (int first, int second) = pairs == RotaryPairs.Halves ? (i, 32 + i) : (2 * i, 2 * i + 1);
                // Su et al. 2021, eq. 34
                (double sine, double cosine) = Math.SinCos(position * Math.Pow(config.RopeTheta, -2.0 * i / 64));
                head[first].ShouldBe((float)((first + 1) * cosine - (second + 1) * sine), 1e-4f);
                head[second].ShouldBe((float)((second + 1) * cosine + (first + 1) * sine), 1e-4f);
            }
        });
        table.Bytes.ShouldBeLessThan((1L << 20) * 64 * sizeof(float) / 1000); // of the whole context's 268 MB
    }
}
