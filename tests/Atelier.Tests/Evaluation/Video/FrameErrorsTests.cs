using Atelier.Evaluation.Video;

namespace Atelier.Tests.Evaluation.Video;

public sealed class FrameErrorsTests
{
    [Fact]
    public void The_ratio_of_a_constant_difference_has_a_closed_form()
    {
        byte[] frame = [.. Enumerable.Repeat((byte)100, 64)], other = [.. Enumerable.Repeat((byte)105, 64)];
        FrameErrors.PeakSignalToNoise(frame, other).ShouldBe(20 * Math.Log10(255.0 / 5), 1e-12);
        FrameErrors.PeakSignalToNoise(frame, frame).ShouldBe(FrameErrors.MostDecibels);
    }

    [Fact]
    public void Clips_of_many_values_have_a_ratio()
    {
        const int count = 100_000; // 255² times as many is more than an int
        var clip = new byte[count];
        FrameErrors.PeakSignalToNoise(clip, [.. Enumerable.Repeat((byte)5, count)])
            .ShouldBe(20 * Math.Log10(255.0 / 5), 1e-9);
    }

    [Fact]
    public void Similarity_is_that_of_a_plain_loop_over_windows()
    {
        const int width = 17, height = 14, side = 11;
        var random = new SplitMix64(4);
        byte[] x = new byte[width * height], y = new byte[width * height];
        for (int i = 0; i < x.Length; i++)
            (x[i], y[i]) = ((byte)random.Next(256), (byte)((i * 7 % 256) / 2));
        double total = 0;
        int windows = 0;
        for (int top = 0; top + side <= height; top++)
        {
            for (int left = 0; left + side <= width; left++, windows++)
            {
                double sum = 0, mx = 0, my = 0, vx = 0, vy = 0, c = 0;
                foreach (bool second in (bool[])[false, true])
                {
                    for (int i = 0; i < side * side; i++)
                    {
                        int row = i / side, column = i % side, at = ((top + row) * width) + left + column;
                        double w = Math.Exp(-(((row - 5) * (row - 5)) + ((column - 5) * (column - 5))) / 4.5);
                        if (!second)
                            (sum, mx, my) = (sum + w, mx + (w * x[at]), my + (w * y[at]));
                        else
                            (vx, vy, c) = (vx + (w / sum * (x[at] - mx) * (x[at] - mx)),
                                vy + (w / sum * (y[at] - my) * (y[at] - my)),
                                c + (w / sum * (x[at] - mx) * (y[at] - my)));
                    }
                    if (!second)
                        (mx, my) = (mx / sum, my / sum);
                }
                total += ((2 * mx * my) + 6.5025) * ((2 * c) + 58.5225)
                    / (((mx * mx) + (my * my) + 6.5025) * (vx + vy + 58.5225));
            }
        }
        FrameErrors.StructuralSimilarity(x, y, width).ShouldBe(total / windows, 1e-9);
        FrameErrors.StructuralSimilarity(x, x, width).ShouldBe(1, 1e-12);
        FrameErrors.StructuralSimilarity(x.AsSpan(0, 5 * 5), x.AsSpan(0, 5 * 5), 5).ShouldBe(1, 1e-12);
    }
}
