using Atelier.Data.Images;
using Atelier.Models.Diffusion;
using Atelier.Recipes;
using Atelier.Tasks.Images;
using Atelier.Tensors;
using Microsoft.Extensions.AI;
using SkiaSharp;

namespace Atelier.Tests.Tasks.Images;

#pragma warning disable MEAI001 // the interface is marked as one that may still change
public sealed class ImageClientTests
{
    [Fact]
    public async Task A_class_is_asked_for_by_its_name_and_comes_back_as_png_another_one_each_time()
    {
        var schema = new ImageSchema(8, 8, 3, ["cat", "dog"]);
        using var generator =
            new ImageGenerator(new DiffusionModel(new DiffusionConfig { Conditional = true, Channels = [8],
            Blocks = 1 }, schema, Precision.Fp32, seed: 1)) { Defaults = new SamplingDefaults { Steps = 2 } };
        IImageGenerator client = new ImageClient(generator);
        ImageGenerationResponse first =
            await client.GenerateImagesAsync("dog", new ImageGenerationOptions { Count = 2 });
        DataContent[] pictures = [.. first.Contents.Cast<DataContent>()];
        pictures.Length.ShouldBe(2);
        using var bitmap = SKBitmap.Decode(pictures[0].Data.ToArray());
        (bitmap.Width, bitmap.Height, pictures[0].MediaType).ShouldBe((8, 8, "image/png"));
        ImageGenerationResponse second = await client.GenerateImagesAsync("dog");
        ((DataContent)second.Contents[0]).Data.ToArray().ShouldNotBe(pictures[0].Data.ToArray());
        ImageGenerationResponse again = await new ImageClient(generator)
            .GenerateImagesAsync("dog", new ImageGenerationOptions { Count = 2 });
        ((DataContent)again.Contents[0]).Data.ToArray().ShouldBe(pictures[0].Data.ToArray());
        (await Should.ThrowAsync<AtelierException>(() => client.GenerateImagesAsync("horse"))).ToLine()
            .ShouldContain("cat, dog");
        (await Should.ThrowAsync<AtelierException>(() =>
            client.GenerateImagesAsync("dog",
            new ImageGenerationOptions { ImageSize = new(64, 64) }))).Message.ShouldContain("8 × 8");
        (client.GetService<ImageGeneratorMetadata>()?.ProviderName, client.GetService<ImageGenerator>())
            .ShouldBe(("atelier", generator));
    }
}
