using System.Formats.Tar;
using System.IO.Compression;
using Atelier.Data.Images;
using Atelier.Recipes;

namespace Atelier.Tests.Data.Images;

/// <summary>Pictures as users bring them: in tar files, with tables of labels, and of every odd kind.</summary>
public sealed class PictureSourceTests : IDisposable
{
    // Made byte by byte after the formats' specifications: a PNG of 2 × 2 pixels of 16 bits (red, green, blue, grey),
    // the header of a PNG of 40,000 × 40,000, and a JPEG in Adobe's inverted CMYK that is red all over.
    private const string Png16 =
        "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACEAIAAACtREYwAAAAE0lEQVR42mP4/58BDGA0kNEABgBrOQj7tvkCBQAAAABJRU5ErkJggg==";
    private const string Huge =
        "iVBORw0KGgoAAAANSUhEUgAAnEAAAJxACAAAAAB0Z1HZAAAAEUlEQVR42mNgGAWjYBQMdwAAA+gAAc5JTFgAAAAASUVORK5CYII=";
    private const string Cmyk =
        "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI/8AAFAgACAAIBAERAAIRAAMRAAQRAP/EABUAAAIAAAAAAAAAAAAAAAAAAAcI/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAA4EAQACAAMABAAAPwA/l/L+P7//2Q==";

    private readonly TemporaryFolder _folder = new();

    public PictureSourceTests()
    {
        Directory.CreateDirectory(_folder["in"]);
        Directory.CreateDirectory(_folder["print"]);
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("pictures.tar")]
    [InlineData("pictures.tar.gz")]
    public void A_tar_file_is_read_as_the_folder_that_it_was_packed_from(string name)
    {
        Paint("in/cats/1.png", 250);
        Paint("in/cats/2.png", 240);
        Paint("in/dogs/1.png", 5);
        using (Stream file = File.Create(_folder[name]))
        using (Stream packed = name.EndsWith("gz", StringComparison.Ordinal)
            ? new GZipStream(file, CompressionLevel.Fastest) : file)
            TarFile.CreateFromDirectory(_folder["in"], packed, includeBaseDirectory: false);
        using ImageData unpacked = Prepare("in"), tar = Prepare(name);
        tar.Schema.Classes.ShouldBe(["cats", "dogs"]);
        Pictures(tar.Train).ShouldBe(Pictures(unpacked.Train));

        byte[] bytes = File.ReadAllBytes(_folder[name]);
        File.WriteAllBytes(_folder[name], bytes[..(bytes.Length / 2)]);
        Should.Throw<AtelierException>(() => Prepare(name)).Where.ShouldBe(_folder[name]);
    }

    [Fact]
    public void A_table_tells_the_classes_and_pictures_that_it_does_not_name_are_left_out()
    {
        for (int i = 0; i < 4; i++)
            Paint($"in/{i}.png", i < 2 ? (byte)250 : (byte)5);
        _folder.Write("in/labels.csv", "file,label\n0.png,bright\n1.png,bright\n2.png,dark\n");
        using ImageData data = Prepare("in");
        data.Schema.Classes.ShouldBe(["bright", "dark"]);
        data.Train.Count.ShouldBe(3);
        data.Notes.ShouldContain(note =>
            note.StartsWith("Ignored because they have no label in ", StringComparison.Ordinal)
            && note.EndsWith(": 1 image.", StringComparison.Ordinal));

        _folder.Write("in/captions.tsv", "image\tcaption\n0.png\tday\n1.png\tday\n2.png\tnight\n3.png\tnight\n");
        using ImageData captioned = Prepare("in", new() { Labels = "captions.tsv" });
        captioned.Schema.Classes.ShouldBe(["day", "night"]);
        captioned.Train.Count.ShouldBe(4);
    }

    [Fact]
    public void A_metadata_file_of_json_lines_tells_the_classes_and_jfif_files_are_jpeg()
    {
        for (int i = 0; i < 4; i++)
            Paint($"in/{i}.png", i < 2 ? (byte)250 : (byte)5);
        using (SkiaSharp.SKBitmap bitmap = SkiaSharp.SKBitmap.Decode(_folder["in/3.png"]))
            _folder.Write("in/4.jfif", bitmap.Encode(SkiaSharp.SKEncodedImageFormat.Jpeg, 90).ToArray());
        _folder.Write("in/metadata.jsonl", """
            {"file_name": "0.png", "size": [1, 2], "label": 1}

            {"file_name": "1.png", "label": 1, "note": null}
            {"label": 2, "file_name": "2.png"}
            {"file_name": "4.jfif", "label": 2}
            """);
        using ImageData data = Prepare("in");
        data.Schema.Classes.ShouldBe(["1", "2"]);
        data.Train.Count.ShouldBe(4);
        _folder.Write("in/metadata.jsonl", """{"file_name": "0.png", "label": "a"}""" + "\n{\"file_name\": \"1.png\"}");
        Should.Throw<AtelierException>(() => Prepare("in")).Message.ShouldContain("'1.png' has an empty label");
    }

    [Theory]
    [InlineData("file,label\n0.png,a\n9.png,b\n", "lists a file that does not exist: '9.png'")]
    [InlineData("file,label\n0.png,a\n0.png,b\n", "has the labels 'a' and 'b'")]
    [InlineData("file,label\n0.png,\n", "has an empty label")]
    [InlineData("name,colour\n0.png,red\n", "name one of them file")]
    public void A_table_that_does_not_match_is_refused(string table, string why)
    {
        Paint("in/0.png", 1);
        _folder.Write("in/labels.csv", table);
        Should.Throw<AtelierException>(() => Prepare("in")).ToLine().ShouldContain(why);
    }

    [Fact]
    public void Sixteen_bits_and_cmyk_become_eight_bits_of_colour()
    {
        _folder.Write("in/deep.png", Convert.FromBase64String(Png16));
        using ImageData deep = Prepare("in", new() { Width = 4, Height = 4, Filter = ResizeFilter.Box });
        byte[] picture = Pictures(deep.Train)[0];
        (picture[0], picture[16], picture[32]).ShouldBe(((byte)255, (byte)0, (byte)0), "the first pixel is red");
        picture[15].ShouldBe((byte)128, "the last is grey");

        _folder.Write("print/red.jpg", Convert.FromBase64String(Cmyk));
        using ImageData print = Prepare("print");
        byte[] red = Pictures(print.Train)[0];
        (red[0], red[64], red[128]).ShouldBe(((byte)255, (byte)0, (byte)0));
    }

    [Fact]
    public void What_is_transparent_is_laid_on_white()
    {
        using (var bitmap =
            new SkiaSharp.SKBitmap(8, 8, SkiaSharp.SKColorType.Rgba8888, SkiaSharp.SKAlphaType.Unpremul))
        {
            bitmap.Erase(new SkiaSharp.SKColor(0, 0, 0, 128));
            using SkiaSharp.SKData png = bitmap.Encode(SkiaSharp.SKEncodedImageFormat.Png, 100);
            _folder.Write("in/half.png", png.ToArray());
        }
        using ImageData data = Prepare("in");
        Pictures(data.Train)[0].ShouldAllBe(value => Math.Abs(value - 127) <= 1);
    }

    [Fact]
    public void A_picture_that_claims_too_much_is_skipped_and_named_and_one_alone_is_an_error()
    {
        Paint("in/0.png", 1);
        _folder.Write("in/huge.png", Convert.FromBase64String(Huge));
        using ImageData data = Prepare("in");
        data.Notes.ShouldContain(note =>
            note.Contains("huge.png", StringComparison.Ordinal)
            && note.Contains("40000 × 40000", StringComparison.Ordinal));
        data.Notes.ShouldContain(note => note.Contains("only one image", StringComparison.Ordinal));
        File.Delete(_folder["in/0.png"]);
        Should.Throw<AtelierException>(() => Prepare("in")).Message.ShouldContain("huge.png");
    }

    [Fact]
    public void Augmentation_follows_from_the_seed_and_mirrors_moves_and_cuts_as_it_says()
    {
        _folder.Write("in/train-images-idx3-ubyte",
            [0, 0, 8, 3, 0, 0, 0, 8, 0, 0, 0, 4, 0, 0, 0, 4,
            .. Enumerable.Range(0, 8 * 16).Select(i => (byte)(i % 16 * 10))]);
        using ImageData data = Prepare("in", split: SplitSection.None);
        float[] plain = First(data, null),
            flipped = [.. Enumerable.Range(0, 16).Select(i => plain[(i / 4 * 4) + 3 - (i % 4)])];
        var seen = new HashSet<bool>();
        for (long seed = 0; seed < 20; seed++)
        {
            float[] one = First(data, new AugmentSection { Flip = true }, seed);
            one.ShouldBe(First(data, new AugmentSection { Flip = true }, seed));
            (one.SequenceEqual(plain) || one.SequenceEqual(flipped)).ShouldBeTrue();
            seen.Add(one.SequenceEqual(plain));
            float[] moved = First(data, new AugmentSection { Shift = 1 }, seed);
            moved.ShouldAllBe(value => plain.Contains(value), "pixels are moved, and edges repeated");
            int cut = First(data, new AugmentSection { Cutout = 2 }, seed).Count(value => value == 0);
            cut.ShouldBeInRange(1, 4, "a square of two, less what lies outside");
        }
        seen.Count.ShouldBe(2);
        First(data, new AugmentSection { Colour = 0.5 }, 3).ShouldAllBe(value => value >= -1 && value <= 1);
    }

    private static float[] First(ImageData data, AugmentSection? augment, long seed = 1)
    {
        var batches = new ImageBatches(data.Train, 1, seed, shuffled: false, augment);
        using ImageBatch batch = batches.Get(0);
        return batch.Images.data<float>().ToArray();
    }

    private static List<byte[]> Pictures(ImagePart part) => [.. Enumerable.Range(0, part.Count).Select(i =>
    {
        var picture = new byte[part.Schema.Size];
        part.Read(i, picture);
        return picture;
    })];

    private void Paint(string name, byte grey)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder[name])!);
        ImageFiles.WritePng(_folder[name], 8, 8, 1, [.. Enumerable.Repeat(grey, 64)]);
    }

    private ImageData Prepare(string name, ImageSection? section = null, SplitSection? split = null) =>
        ImageData.Prepare(
        new DataSection { Source = _folder[name], Image = section ?? new(), Split = split ?? SplitSection.None }, 1,
            _folder[$"out-{Guid.NewGuid():N}"]);
}
