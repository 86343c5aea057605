using Atelier.Data.Images;
using Atelier.Recipes;

namespace Atelier.Tests.Data.Images;

public sealed class ImageDataTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_class_of_every_drawn_shape_can_be_read_back()
    {
        for (int n = 0; n < 1000; n++)
        {
            (byte[] pixels, int label) = ShapesWorld.Sample(3, n);
            ShapesWorld.Classify(pixels).ShouldBe(label, $"picture {n}");
        }
        byte[] white = new byte[3 * 32 * 32];
        Array.Fill(white, (byte)255);
        ShapesWorld.Classify(white).ShouldBe(-1);
    }

    [Fact]
    public void A_folder_of_folders_is_classes_and_a_broken_picture_is_skipped_and_named()
    {
        foreach (string name in (string[])["cats", "dogs"])
        {
            Directory.CreateDirectory(_folder[$"in/{name}"]);
            for (int i = 0; i < 10; i++)
                ImageFiles.WritePng(_folder[$"in/{name}/{i}.png"], 8, 8, 3,
                    [.. Enumerable.Repeat((byte[])[name == "cats" ? (byte)250 : (byte)5, 10, 20], 64)
                    .SelectMany(p => p)]);
        }
        _folder.Write("in/cats/broken.png", "no picture");
        using ImageData data = Prepare("in", new ImageSection());
        data.Schema.Classes.ShouldBe(["cats", "dogs"]);
        (data.Schema.Width, data.Schema.Height, data.Schema.Channels).ShouldBe((8, 8, 3));
        (data.Train.Count + data.Validation.Count + data.Test.Count).ShouldBe(20);
        data.Notes.ShouldContain(note => note.Contains("broken.png", StringComparison.Ordinal));
        var picture = new byte[data.Schema.Size];
        for (int i = 0; i < data.Train.Count; i++)
        {
            data.Train.Read(i, picture);
            picture[0].ShouldBe(data.Train.Labels[i] == 0 ? (byte)250 : (byte)5);
        }
    }

    [Fact]
    public void Halving_with_the_box_filter_takes_the_mean_of_four_pixels_and_no_filter_changes_a_plain_picture()
    {
        ImageResizer.Resize([0, 4, 8, 12, 16, 20, 24, 28, 1, 3, 5, 7, 9, 11, 13, 15], 4, 4, 2, 2, ResizeFilter.Box)
            .ShouldBe([10f, 18f, 6f, 10f]);
        foreach (ResizeFilter filter in Enum.GetValues<ResizeFilter>())
            ImageResizer.Resize([.. Enumerable.Repeat(7f, 35)], 7, 5, 3, 9, filter)
                .ShouldAllBe(value => Math.Abs(value - 7) < 1e-4);
    }

    [Fact]
    public void Idx_files_are_read_with_their_labels_and_the_part_they_hold_out()
    {
        foreach ((string name, int count) in ((string, int)[])[("train", 20), ("t10k", 5)])
        {
            _folder.Write($"{name}-images-idx3-ubyte",
                [0, 0, 8, 3, 0, 0, 0, (byte)count, 0, 0, 0, 4, 0, 0, 0, 4,
                .. Enumerable.Range(0, count * 16).Select(i => (byte)(i / 16))]);
            _folder.Write($"{name}-labels-idx1-ubyte",
                [0, 0, 8, 1, 0, 0, 0, (byte)count, .. Enumerable.Range(0, count).Select(i => (byte)(i % 3))]);
        }
        using ImageData data = Prepare(".", new ImageSection());
        (data.Test.Count, data.Train.Count + data.Validation.Count, data.Schema.Channels).ShouldBe((5, 20, 1));
        data.Test.Labels.ShouldBe([0, 1, 2, 0, 1]);
    }

    [Fact]
    public void An_idx_file_that_claims_more_than_it_holds_is_refused()
    {
        _folder.Write("train-images-idx3-ubyte", [0, 0, 8, 3, 0x7f, 0, 0, 0, 0, 0, 4, 0, 0, 0, 4, 0]);
        Should.Throw<AtelierException>(() => Prepare(".", new ImageSection())).Message.ShouldContain("more than");
    }

    [Fact]
    public void A_folder_without_pictures_is_refused()
    {
        _folder.Write("in/words.txt", "hello");
        Should.Throw<AtelierException>(() => Prepare("in", new ImageSection())).Message.ShouldContain("no images");
    }

    private ImageData Prepare(string name, ImageSection section) =>
        ImageData.Prepare(new DataSection { Source = _folder[name], Image = section }, 1, _folder["out"]);
}
