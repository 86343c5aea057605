using Atelier.Layers;
using Atelier.Tensors;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Atelier.Models.Gan;

/// <summary>Random changes of each image, with gradients to the generator (Zhao et al. 2020).</summary>
internal static class DifferentiableAugmentation
{
    private const double LargestShift = 0.125, CutShare = 0.5; // of the side

    /// <summary>Applies changes one after another.</summary>
    /// <param name="changes">The kinds of changes; none returns the images unchanged.</param>
    /// <param name="x">Images, [batch, channels, height, width], −1 to 1.</param>
    /// <param name="random">Draws the changes; null for the generator of the training step.</param>
    public static Tensor Apply(IReadOnlyList<Augmentation> changes, Tensor x, Generator? random = null)
    {
        foreach (Augmentation change in changes)
        {
            x = change switch
            {
                Augmentation.Colour => Colour(x, random),
                Augmentation.Translation => Translate(x, random),
                _ => CutOut(x, random),
            };
        }
        return x;
    }

    private static Tensor Colour(Tensor x, Generator? random)
    {
        x = x.Plus(Sample(x, -0.5, 0.5, random)); // brightness
        if (x.shape[1] > 1)
            x = Stretch(x, x.mean([1], keepdim: true), Sample(x, 0, 2, random)); // saturation
        return Stretch(x, x.mean([1, 2, 3], keepdim: true), Sample(x, 0.5, 1.5, random)); // contrast
    }

    /// <summary>Multiplies the distances from a mean.</summary>
    private static Tensor Stretch(Tensor x, Tensor mean, Tensor factor) =>
        mean.PlusProduct(x.Plus(mean.neg()), factor);

    private static Tensor Translate(Tensor x, Generator? random)
    {
        (long height, long width) = (x.shape[2], x.shape[3]);
        (int down, int across) = ((int)Math.Round(height * LargestShift), (int)Math.Round(width * LargestShift));
        Tensor padded = F.pad(x, [across, across, down, down]);
        // rows and columns of the padded image, counted from where the window of each image begins
        Tensor rows = Starts(x, (2 * down) + 1, random).Plus(Count(height, x.device)).unsqueeze(1).unsqueeze(3)
            .expand(-1, x.shape[1], -1, padded.shape[3]);
        Tensor columns = Starts(x, (2 * across) + 1, random).Plus(Count(width, x.device)).unsqueeze(1).unsqueeze(1)
            .expand(-1, x.shape[1], height, -1);
        return padded.gather(2, rows).gather(3, columns);
    }

    private static Tensor CutOut(Tensor x, Generator? random)
    {
        // [batch, height, width]
        Tensor inside = Within(x.shape[2]).unsqueeze(2).logical_and(Within(x.shape[3]).unsqueeze(1));
        return x.mul(inside.logical_not().unsqueeze(1));

        // the centre of the square lies anywhere in the image, so the square may extend beyond the border
        Tensor Within(long side)
        {
            long cut = (long)(side * CutShare);
            // positions counted from the first row or column of the square, [batch, side]
            Tensor from = Count(side, x.device).Plus(Starts(x, side, random).neg()).PlusNumber(cut / 2);
            return from.ge(zeros_like(from)).logical_and(from.lt(zeros_like(from).PlusNumber(cut)));
        }
    }

    private static Tensor Sample(Tensor x, double low, double high, Generator? random) =>
        empty([x.shape[0], 1, 1, 1], ScalarType.Float32, x.device).FillUniform(low, high, random);

    /// <summary>A whole number from 0 to count − 1 for each image, [batch, 1].</summary>
    private static Tensor Starts(Tensor x, long count, Generator? random) =>
        empty([x.shape[0], 1], ScalarType.Float64, x.device).FillUniform(0, count, random).floor().to(ScalarType.Int64);

    private static Tensor Count(long count, Device device) =>
        tensor([.. Enumerable.Range(0, (int)count).Select(i => (long)i)], device: device);
}
