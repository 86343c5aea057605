using Atelier.Abstractions;
using Atelier.Data.Images;
using Atelier.Runs;
using Atelier.Tasks;

namespace Atelier.Tests.Tasks;

public sealed class SampleOriginTests
{
    private static readonly InputImage A = new(new byte[] { 1 }, "a"), B = new(new byte[] { 2 }, "b");

    [Fact]
    public void A_request_comes_back_with_the_images_that_its_names_load()
    {
        var made = new SamplingOptions { Sampler = "heun", Steps = 3, From = A, Mask = B, Strength = 0.5 };
        SampleOrigin origin = Written(new GenerationRequest { Count = 2, Seed = 7, Class = "red", Drawing = made });
        (origin.Request.Count, origin.Request.Seed, origin.Request.Class).ShouldBe((2, 7, "red"));
        origin.Request.Drawing.ShouldBe(made);
        origin.CheckFiles();
    }

    [Fact]
    public void Ends_come_back_in_their_order_whether_seeds_or_images()
    {
        Ends(new([9, -1])).Seeds.ShouldBe([9, -1]);
        Ends(new([B, A])).Images.ShouldBe([B, A]);

        InterpolationEnds Ends(InterpolationEnds ends) =>
            Written(new GenerationRequest { Drawing = new() { Interpolate = ends } }).Request.Drawing!.Interpolate!;
    }

    [Fact]
    public void An_image_that_changed_since_is_named()
    {
        SampleOrigin origin = Written(new GenerationRequest { Drawing = new() { From = A } },
            name => [new InputImage(new byte[] { 5 }, name)]);
        Should.Throw<AtelierException>(origin.CheckFiles).ToLine()
            .ShouldStartWith("a: has changed since this was generated from it");
    }

    [Fact]
    public void A_folder_that_an_older_file_names_is_loaded_whole()
    {
        SampleOrigin origin = Read("""{"count":4,"seed":1,"drawing":{"interpolate":"/pictures"},"files":{}}""",
            name => name == "/pictures" ? [A, B] : []);
        origin.Request.Drawing!.Interpolate!.Images.ShouldBe([A, B]);
    }

    private SampleOrigin Written(GenerationRequest request, Func<string, IReadOnlyList<InputImage>>? load = null) =>
        Read(new SampleOrigin(new BundleIdentity(null, "w", null), request).ToTexts()["Request"], load ?? Load);

    private SampleOrigin Read(string request, Func<string, IReadOnlyList<InputImage>> load)
    {
        byte[] png = ImageFiles.EncodePng(1, 1, 1, [0],
            new Dictionary<string, string> { ["Software"] = "Atelier", ["Request"] = request, ["Weights"] = "w" });
        return SampleOrigin.Read(new InputData(png, "made.png"), load);
    }

    private static IReadOnlyList<InputImage> Load(string name) => [name == "a" ? A : B];
}
