using System.Globalization;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Data.Images;

/// <summary>The images of a source, before they are split.</summary>
/// <param name="Schema">The size, channels and classes of the images.</param>
/// <param name="Images">The images with their labels, in the source's order.</param>
/// <param name="Test">The images that the source itself holds out; may be empty.</param>
internal sealed record ImageSource(ImageSchema Schema, IReadOnlyList<(byte[] Pixels, int Label)> Images,
    IReadOnlyList<(byte[] Pixels, int Label)> Test)
{
    // pixels: where sizes differ or are larger, and where they are kept
    private const int UsualSide = 32, MostKept = 64;
    private const int GreyLooked = 100; // images that are checked for colour

    /// <summary>Reads a world, a catalogue entry, a folder of idx files, or images in a folder or a tar file.</summary>
    public static ImageSource Read(DataSection section, long seed, ReadingReport report, IProgress<string>? progress,
        CancellationToken cancellation)
    {
        if (section.Source == ShapesWorld.Name)
        {
            progress?.Report("generating shapes");
            (byte[], int)[] drawn = [.. Enumerable.Range(0, section.WorldDocuments).AsParallel().AsOrdered()
                .WithCancellation(cancellation).Select(n => ShapesWorld.Sample(seed, n))];
            return new ImageSource(ShapesWorld.Schema, drawn, []).Fitted(section, report);
        }
        IReadOnlyList<string> paths =
            SourceFiles.Find(section.Source, report, progress, cancellation, [ShapesWorld.Name]).Paths;
        string[] files = paths is [var folder] && Directory.Exists(folder)
            ? [.. SourceFolder.Files(folder, cancellation)]
            : [.. paths];
        if (files.Length == 0)
            throw new AtelierException("the folder is empty", section.Source, "provide images");
        string[] idx = [.. files.Where(IdxFile.IsNamed)];
        if (idx.Length > 0)
            return ReadIdx(idx, section).Fitted(section, report);
        string root = Directory.Exists(section.Source) ? Path.GetFullPath(section.Source)
            : Path.GetDirectoryName(Path.GetFullPath(files[0]))!;
        return ReadImages(ImageEntry.Find(root, files.Select(Path.GetFullPath), report, cancellation), root, section,
            report, progress, cancellation);
    }

    private static ImageSource ReadIdx(string[] files, DataSection section)
    {
        List<(byte[], int)> training = [], test = [];
        (int Height, int Width)? size = null;
        int classes = 0;
        foreach (string images in files.Where(f => Path.GetFileName(f).Contains("images", StringComparison.Ordinal)))
        {
            string name = Path.GetFileName(images);
            string? labels =
                files.FirstOrDefault(f =>
                Path.GetFileName(f) == name.Replace("images-idx3", "labels-idx1", StringComparison.Ordinal));
            (int[] shape, byte[] values) = IdxFile.Read(images);
            if (shape is not [var count, var height, var width] || height is < 1 or > 1024 || width is < 1 or > 1024)
                throw new AtelierException("contains no images: its dimensions should be count, height and width",
                    images, "provide grey images");
            if (size is { } known && known != (height, width))
                throw new AtelierException(
                    $"contains images of {width} × {height}, but other files images of {known.Width} × "
                        + $"{known.Height}", images,
                    "provide files of one size");
            size = (height, width);
            byte[] classOf = labels is null ? new byte[count] : IdxFile.Read(labels).Values;
            if (classOf.Length != count)
                throw new AtelierException($"contains {classOf.Length} labels for {count} images", labels,
                    "provide the labels of these images");
            classes = labels is null ? classes : Math.Max(classes, classOf.Max() + 1);
            List<(byte[], int)> part = name.StartsWith("t10k", StringComparison.Ordinal)
                || name.StartsWith("test", StringComparison.Ordinal) ? test : training;
            for (int i = 0; i < count; i++)
                part.Add((values.AsSpan(i * height * width, height * width).ToArray(), classOf[i]));
        }
        if (size is not { } found || training.Count == 0)
            throw new AtelierException("there are no images in the idx files", section.Source,
                "provide train-images-idx3-ubyte with its labels");
        return new(new ImageSchema(found.Width, found.Height, 1,
            [.. Enumerable.Range(0, classes).Select(c => FormattableString.Invariant($"{c}"))]), training, test);
    }

    /// <summary>Resizes images of one size to the size that the recipe sets.</summary>
    private ImageSource Fitted(DataSection section, ReadingReport report)
    {
        ImageSection asked = section.Image;
        int width = asked.Width ?? Schema.Width, height = asked.Height ?? Schema.Height;
        if ((asked.Channels ?? Schema.Channels) != Schema.Channels)
            throw new AtelierException($"the images are in {Schema.ColourName}",
                "data.image.channels", "leave it out");
        if ((width, height) == (Schema.Width, Schema.Height))
            return this;
        if (width * Schema.Height != height * Schema.Width)
            throw new AtelierException(
                $"images of {Schema.Width} × {Schema.Height} do not have the aspect ratio of {width} × {height}",
                    "data.image",
                "keep the aspect ratio, or leave width and height out");
        report.Note(string.Create(CultureInfo.InvariantCulture,
            $"Images of {Schema.Width} × {Schema.Height} were resized to {width} × {height} with the filter "
                + $"{asked.Filter.ToString().ToLowerInvariant()}."));
        return new(Schema with { Width = width, Height = height }, Resized(Images), Resized(Test));

        IReadOnlyList<(byte[] Pixels, int Label)> Resized(IReadOnlyList<(byte[] Pixels, int Label)> images) =>
            [.. images.AsParallel().AsOrdered().Select(image =>
        {
            int plane = Schema.Width * Schema.Height;
            float[] values = [.. image.Pixels.Select(value => (float)value)];
            return (Enumerable.Range(0, Schema.Channels)
                .SelectMany(channel =>
                    ImageResizer.Resize(values[(channel * plane)..((channel + 1) * plane)], Schema.Width, Schema.Height,
                    width, height, asked.Filter))
                .Select(value => (byte)Math.Clamp(MathF.Round(value), 0, 255)).ToArray(), image.Label);
        })];
    }

    private static ImageSource ReadImages(IReadOnlyList<ImageEntry> images, string root, DataSection section,
        ReadingReport report, IProgress<string>? progress, CancellationToken cancellation)
    {
        ImageSection asked = section.Image;
        if (images.Count == 0)
            throw new AtelierException("there are no images", section.Source,
                $"provide files named {string.Join(", ", ImageFiles.Formats.Select(f => "." + f))}, a tar or zip file "
                    + $"of them, or idx files");
        IReadOnlyList<(ImageEntry Image, string Label)> labelled = Labelled(images, root, section, report);
        string[] classes = [.. labelled.Select(p => p.Label).Where(label => label.Length > 0).Distinct()
            .Order(StringComparer.Ordinal)];
        if (classes.Length == 1)
        {
            report.Note($"All images are of one class, {classes[0]}, so the class is ignored.");
            classes = [];
        }
        (ImageSchema shape, List<(ImageEntry Image, string Label, bool IsBig)> sound) =
            Shape(labelled, asked, section.Source, report);
        ImageSchema schema = shape with { Classes = classes };
        var read = new (byte[] Pixels, int Label)?[sound.Count];
        var broken = new string?[sound.Count];
        int done = 0;
        var oneAtATime = new Lock(); // large images are decoded one at a time, to limit memory
        Parallel.For(0, sound.Count, new ParallelOptions { CancellationToken = cancellation }, i =>
        {
            try
            {
                int label = classes.Length == 0 ? 0 : Array.IndexOf(classes, sound[i].Label);
                if (!sound[i].IsBig)
                {
                    read[i] = (Read(sound[i].Image), label);
                }
                else
                {
                    lock (oneAtATime)
                        read[i] = (Read(sound[i].Image), label);
                }
            }
            catch (AtelierException e)
            {
                broken[i] = Described(e); // in the order of the files
            }
            if (Interlocked.Increment(ref done) % 1000 == 0)
                progress?.Report(FormattableString.Invariant($"{done} of {Quantity.Of(sound.Count, "image")} read"));
        });
        SourceFolder.TellDamaged([.. broken.OfType<string>()], "image", report);
        List<(byte[] Pixels, int Label)> all = [.. read.OfType<(byte[] Pixels, int Label)>()];
        if (all.Count == 0)
            throw NothingRead(section.Source, broken.OfType<string>());
        if (all.Count == 1)
            report.Note("There is only one image: a model can only memorise it.");
        return new(schema, all, []);

        byte[] Read(ImageEntry entry)
        {
            using var image = DecodedImage.Decode(entry.Read(), entry.Where, schema.Width, schema.Height);
            return image.Fit(schema.Width, schema.Height, schema.Channels, asked.Filter);
        }
    }

    /// <summary>
    /// Returns the class of each image, from a table if there is one, and otherwise from the first folder.
    /// </summary>
    private static IReadOnlyList<(ImageEntry Image, string Label)> Labelled(IReadOnlyList<ImageEntry> images,
        string root, DataSection section, ReadingReport report)
    {
        if (FileLabels.Find(root, section.Image.Labels, ReadingOptions.Of(section), report) is { } labels)
            return labels.Of(images, image => image.Name, "image", report);
        return FileLabels.OfFolders(images, image => image.Name, "image", report);
    }

    /// <summary>
    /// Returns the size and channels that the recipe sets, or that suit the images. Files that are not images are left
    /// out.
    /// </summary>
    private static (ImageSchema Schema, List<(ImageEntry Image, string Label, bool IsBig)> Sound) Shape(
        IReadOnlyList<(ImageEntry Image, string Label)> images, ImageSection asked, string source,
            ReadingReport report)
    {
        var sound = new List<(ImageEntry Image, string Label, bool IsBig)>();
        var broken = new List<string>();
        var sizes = new HashSet<(int Width, int Height)>();
        foreach ((ImageEntry image, string label) in images)
        {
            try
            {
                (int Width, int Height) size = DecodedImage.Measure(image.Read(), image.Where);
                sizes.Add(size);
                sound.Add((image, label, (long)size.Width * size.Height > DecodedImage.BigPixels));
            }
            catch (AtelierException e)
            {
                broken.Add(Described(e));
            }
        }
        SourceFolder.TellDamaged(broken, "image", report);
        if (sound.Count == 0)
            throw NothingRead(source, broken);
        bool alike = sizes.Count == 1 && sizes.First() is { Width: <= MostKept, Height: <= MostKept };
        int width = asked.Width ?? (alike ? sizes.First().Width : UsualSide), height = asked.Height
            ?? (alike ? sizes.First().Height : UsualSide);
        if (sizes.Count > 1 || sizes.First() != (width, height))
            report.Note(string.Create(CultureInfo.InvariantCulture,
                $"Images of {Quantity.Of(sizes.Count, "size")} were cropped to the centre and resized to {width} × "
                    + $"{height} with the filter {asked.Filter.ToString().ToLowerInvariant()}."));
        int channels = asked.Channels switch
        {
            1 or 3 => asked.Channels.Value,
            null => sound.Take(GreyLooked).All(p => IsGrey(p.Image)) ? 1 : 3,
            _ => throw new AtelierException("images have 1 or 3 channels", "data.image.channels",
                "write 1 for grey, 3 for colour"),
        };
        report.Note(channels == 1 ? "The images are grey." : "The images are in colour.");
        return (new ImageSchema(width, height, channels, []), sound);
    }

    private static bool IsGrey(ImageEntry image)
    {
        try
        {
            using var decoded = DecodedImage.Decode(image.Read(), image.Where, MostKept, MostKept);
            return decoded.IsGrey();
        }
        catch (AtelierException)
        {
            return true; // it is reported and left out when images are read
        }
    }

    private static string Described(AtelierException e) => $"{e.Where} {e.Message}";

    private static AtelierException NothingRead(string source, IEnumerable<string> broken) =>
        new("no image could be read" + (broken.FirstOrDefault() is { } first ? $": {first}" : ""), source,
            "provide PNG, JPEG, WebP or GIF files");
}
