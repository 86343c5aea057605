using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Atelier.Data.Images;
using SkiaSharp;

namespace Atelier.Server.Tests;

/// <summary>Forms that edit images: what is kept, what is drawn anew, and what is refused.</summary>
public sealed class ImageEditTests(TinyImageModel images) : IAsyncLifetime
{
    private const int Side = 32;
    private const string Path = "v1/images/edits";
    private TestServer _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        _server = await TestServer.StartAsync(null, null, false, ("shapes", await images.Run));

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task What_the_mask_does_not_let_through_stays_and_the_rest_is_drawn_anew()
    {
        byte[] image = Png(_ => 255), mask = Png(y => y < Side / 2 ? (byte)0 : (byte)255);
        SKColor[] byMask = Pixels(await EditedAsync(image, mask));
        SKColor[] byAlpha = Pixels(await EditedAsync(mask, mask: null));
        int half = Side * Side / 2;
        byMask[half..].ShouldAllBe(pixel => pixel == new SKColor(200, 40, 40));
        byMask[..half].ShouldContain(pixel => pixel != new SKColor(200, 40, 40));
        byAlpha[half..].ShouldBe(byMask[half..], "without a mask, the image's own transparent part is drawn anew");
        byAlpha[..half].ShouldBe(byMask[..half], "what lies below a mask of strength 1 does not matter");
        SKColor[] whole = Pixels(await EditedAsync(image, mask: null, ("strength", "1")));
        whole[half..].ShouldContain(pixel => pixel != new SKColor(200, 40, 40), "nothing is kept without a mask");
    }

    [Fact]
    public async Task A_model_says_its_classes_and_whether_it_edits()
    {
        JsonNode shapes = JsonNode.Parse(await _server.Http.GetStringAsync("v1/atelier/models/shapes", Cancellation))!;
        ((bool)shapes["edits"]!).ShouldBeTrue();
        JsonNode option = shapes["options"]!.AsArray().Single(one => (string)one!["field"]! == "class")!;
        string[] classes = [.. option["choices"]!.AsArray().Select(name => (string)name!)];
        classes.Length.ShouldBe(9);
        classes.ShouldContain("red-circle");
        JsonNode tiny = JsonNode.Parse(await _server.Http.GetStringAsync("v1/atelier/models/tiny", Cancellation))!;
        ((bool)tiny["edits"]!).ShouldBeFalse();
    }

    [Theory]
    [InlineData("none", "", "", "image")]
    [InlineData("damaged", "", "", "image")]
    [InlineData("large", "", "", "image")]
    [InlineData("small mask", "", "", "mask")]
    [InlineData("opaque mask", "", "", "mask")]
    [InlineData("two", "", "", "image")]
    [InlineData("good", "n", "0", "n")]
    [InlineData("good", "n", "many", "n")]
    [InlineData("good", "size", "64x64", "size")]
    [InlineData("good", "prompt", "a cat", "class")]
    [InlineData("good", "strength", "2", "strength")]
    [InlineData("good", "steps", "0", "steps")]
    [InlineData("good", "unheard_of", "1", "unheard_of")]
    [InlineData("good", "model", "tiny", "model")]
    public async Task A_wrong_form_is_refused_by_the_field(string files, string field, string value, string param)
    {
        byte[] opaque = Png(_ => 255);
        using var form = new MultipartFormDataContent();
        if (files != "none")
            AddFile(form, "image", files switch
            {
                "damaged" => opaque[..60],
                "large" => ImageFiles.EncodePng(4097, 4096, 1, new byte[4097 * 4096]),
                _ => opaque,
            });
        if (files == "two")
            AddFile(form, "image", opaque);
        if (files == "small mask")
            AddFile(form, "mask", ImageFiles.EncodePng(8, 8, 1, new byte[64]));
        if (files == "opaque mask")
            AddFile(form, "mask", opaque);
        if (field != "model")
            form.Add(new StringContent("shapes"), "model");
        if (field.Length > 0)
            form.Add(new StringContent(value), field);
        using HttpResponseMessage response = await _server.Http.PostAsync(Path, form, Cancellation);
        JsonNode answer = (await response.Content.ReadFromJsonAsync<JsonNode>(Cancellation))!;
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest, answer.ToJsonString());
        ((string?)answer["error"]!["param"]).ShouldBe(param, answer.ToJsonString());
        ((string)answer["error"]!["message"]!).ShouldNotContain("Exception");
    }

    [Fact]
    public async Task What_is_no_form_and_forms_of_other_sites_are_refused()
    {
        (int json, JsonNode answer) = await _server.PostAsync(Path, """{"model":"shapes"}""", Cancellation);
        json.ShouldBe(415);
        ((string)answer["error"]!["message"]!).ShouldContain("multipart/form-data");

        using var broken = new StringContent("--x\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n1");
        broken.Headers.ContentType = MediaTypeHeaderValue.Parse("multipart/form-data; boundary=x");
        using HttpResponseMessage cut = await _server.Http.PostAsync(Path, broken, Cancellation);
        cut.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await cut.Content.ReadAsStringAsync(Cancellation)).ShouldContain("invalid_form");

        using var request = new HttpRequestMessage(HttpMethod.Post, Path) { Content = Form(Png(_ => 255), null) };
        request.Headers.Add("Sec-Fetch-Site", "cross-site"); // as a browser says it of a page elsewhere
        using HttpResponseMessage other = await _server.Http.SendAsync(request, Cancellation);
        other.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    private async Task<byte[]> EditedAsync(byte[] image, byte[]? mask, params (string, string)[] fields)
    {
        using MultipartFormDataContent form = Form(image, mask, [("prompt", "red-circle"), ("seed", "3"), .. fields]);
        using HttpResponseMessage response = await _server.Http.PostAsync(Path, form, Cancellation);
        JsonNode answer = (await response.Content.ReadFromJsonAsync<JsonNode>(Cancellation))!;
        response.StatusCode.ShouldBe(HttpStatusCode.OK, answer.ToJsonString());
        return Convert.FromBase64String((string)answer["data"]!.AsArray().Single()!["b64_json"]!);
    }

    private static MultipartFormDataContent Form(byte[] image, byte[]? mask, params (string Name, string Text)[] fields)
    {
        var form = new MultipartFormDataContent { { new StringContent("shapes"), "model" } };
        foreach ((string name, string text) in fields)
            form.Add(new StringContent(text), name);
        AddFile(form, "image", image);
        if (mask is not null)
            AddFile(form, "mask", mask);
        return form;
    }

    private static void AddFile(MultipartFormDataContent form, string name, byte[] content) =>
        form.Add(new ByteArrayContent(content), name, name + ".png");

    /// <summary>A red PNG with an alpha for each row.</summary>
    internal static byte[] Png(Func<int, byte> alpha)
    {
        using var bitmap = new SKBitmap(Side, Side, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        for (int i = 0; i < Side * Side; i++)
            bitmap.SetPixel(i % Side, i / Side, new SKColor(200, 40, 40, alpha(i / Side)));
        using SKData png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    private static SKColor[] Pixels(byte[] png)
    {
        using var bitmap = SKBitmap.Decode(png);
        return bitmap.Pixels;
    }
}
