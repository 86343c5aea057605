using Atelier.Recipes;

namespace Atelier.Data.Images;

/// <summary>Augments images at random without changing their class, so that few images suffice.</summary>
/// <param name="section">The strength of each augmentation.</param>
/// <param name="schema">The size, channels and classes of the images.</param>
internal sealed class ImageAugmentation(AugmentSection section, ImageSchema schema)
{
    private readonly float[] _before = new float[schema.Size];

    /// <summary>Changes an image in place.</summary>
    /// <param name="image">[channels, height, width], −1 (black) to 1.</param>
    /// <param name="random">The random numbers; the same number is drawn whatever the settings.</param>
    public void Apply(Span<float> image, SplitMix64 random)
    {
        bool flipped = random.NextDouble() < 0.5 && section.Flip;
        (int down, int across) = (Draw(random.NextDouble(), section.Shift), Draw(random.NextDouble(), section.Shift));
        if (flipped || down != 0 || across != 0)
            Move(image, flipped, down, across);
        float contrast = (float)(1 + (section.Colour * ((2 * random.NextDouble()) - 1)));
        for (int channel = 0; channel < schema.Channels; channel++)
        {
            float brightness = (float)(section.Colour * ((2 * random.NextDouble()) - 1));
            if (section.Colour > 0)
                Recolour(Plane(image, channel), contrast, brightness);
        }
        (int top, int left) = ((int)random.Next(schema.Height), (int)random.Next(schema.Width));
        if (section.Cutout > 0)
            Cut(image, top - (section.Cutout / 2), left - (section.Cutout / 2));
    }

    private static int Draw(double uniform, int most) => (int)Math.Floor(uniform * ((2 * most) + 1)) - most;

    private Span<float> Plane(Span<float> image, int channel) =>
        image.Slice(channel * schema.Height * schema.Width, schema.Height * schema.Width);

    /// <summary>Mirrors and shifts an image; pixels from outside repeat the edge.</summary>
    private void Move(Span<float> image, bool flipped, int down, int across)
    {
        image.CopyTo(_before);
        for (int channel = 0; channel < schema.Channels; channel++)
        {
            Span<float> target = Plane(image, channel), source = Plane(_before, channel);
            for (int y = 0; y < schema.Height; y++)
            {
                int fromRow = Math.Clamp(y - down, 0, schema.Height - 1) * schema.Width;
                for (int x = 0; x < schema.Width; x++)
                {
                    int from = Math.Clamp(x - across, 0, schema.Width - 1);
                    target[(y * schema.Width) + x] = source[fromRow + (flipped ? schema.Width - 1 - from : from)];
                }
            }
        }
    }

    private static void Recolour(Span<float> plane, float contrast, float brightness)
    {
        for (int i = 0; i < plane.Length; i++)
            plane[i] = Math.Clamp((plane[i] * contrast) + brightness, -1, 1);
    }

    /// <summary>Sets a square to grey (DeVries and Taylor 2017), clipped at the edges.</summary>
    private void Cut(Span<float> image, int top, int left)
    {
        int rowEnd = Math.Min(schema.Height, top + section.Cutout), first = Math.Max(0, left),
            columns = Math.Min(schema.Width, left + section.Cutout) - first;
        for (int channel = 0; channel < schema.Channels; channel++)
        {
            for (int y = Math.Max(0, top); y < rowEnd; y++)
                Plane(image, channel).Slice((y * schema.Width) + first, columns).Clear();
        }
    }
}
