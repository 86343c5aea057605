using System.Text;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Data.Audio;
using Atelier.Data.Images;

namespace Atelier.Server.Tests;

/// <summary>Data are uploaded, shown and deleted, and nothing of them leaves its folder.</summary>
public sealed class DataTests : IAsyncLifetime
{
    private TestServer _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Uploads => _server.At("uploads");

    public async ValueTask InitializeAsync() =>
        _server = await TestServer.StartAsync(new ServerOptions { MostUploadBytes = 100_000 });

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_text_is_uploaded_listed_shown_and_deleted()
    {
        string id = await AddAsync("notes.txt", "one\n\ntwo\n\none\n\n   \n\nfour"u8.ToArray(), "My notes");
        JsonNode listed = (await _server.GetAsync("v1/atelier/data", Cancellation))["data"]![0]!;
        ((string)listed["id"]!).ShouldBe(id);
        ((string)listed["name"]!).ShouldBe("My notes");
        ((string)listed["kind"]!).ShouldBe("text");
        ((string)listed["origin"]!).ShouldBe("upload");
        ((long)listed["bytes"]!).ShouldBe(24);
        JsonNode shown = await _server.GetAsync($"v1/atelier/data/{id}?count=2", Cancellation);
        ((string)shown["id"]!).ShouldBe(id);
        ((string)shown["source"]!).ShouldBe(id);
        shown["first"]!.AsArray().Count.ShouldBe(1, "a text file is one document");
        shown.ToJsonString().ShouldNotContain(Uploads, Case.Sensitive, "no folder of this machine");
        using HttpResponseMessage deleted = await _server.Http.DeleteAsync($"v1/atelier/data/{id}", Cancellation);
        ((int)deleted.StatusCode).ShouldBe(204);
        Directory.EnumerateFileSystemEntries(Uploads).ShouldBeEmpty();
        using HttpResponseMessage gone = await _server.Http.GetAsync($"v1/atelier/data/{id}", Cancellation);
        ((int)gone.StatusCode).ShouldBe(404);
    }

    [Fact]
    public async Task Rows_that_occur_twice_or_are_empty_are_counted()
    {
        string id = await AddAsync("notes.jsonl", """
            {"text": "one"}
            {"text": "two"}
            {"text": "one"}
            {"text": "  "}
            """u8.ToArray());
        JsonNode cleaning = (await _server.GetAsync($"v1/atelier/data/{id}", Cancellation))["cleaning"]!;
        ((int)cleaning["duplicates"]!).ShouldBe(1);
        ((int)cleaning["empty"]!).ShouldBe(1);
        ((string)cleaning["removed"]![0]!["text"]!).ShouldBe("one");
    }

    [Fact]
    public async Task Images_in_folders_have_classes_and_thumbnails()
    {
        byte[] red = Png(300, 200, [255, 0, 0]), blue = Png(300, 200, [0, 0, 255]);
        (int status, JsonNode answer) = await _server.UploadAsync([("pets/cats/1.png", red), ("pets/cats/2.png", red),
            ("pets/dogs/1.png", blue)], cancellation: Cancellation);
        status.ShouldBe(201, answer.ToJsonString());
        ((string)answer["kind"]!).ShouldBe("images");
        ((string)answer["name"]!).ShouldBe("pets");
        ((int)answer["files"]!).ShouldBe(3);
        JsonNode shown = await _server.GetAsync($"v1/atelier/data/{(string)answer["id"]!}?count=2", Cancellation);
        ((int)shown["pictures"]!).ShouldBe(3);
        ((int)shown["width"]!).ShouldBe(32, "as a training reads it");
        JsonNode medium = shown["media"]![1]!;
        ((string)medium["media_type"]!).ShouldBe("image/png");
        byte[] thumbnail = Convert.FromBase64String((string)medium["b64"]!);
        ImageFiles.Decode(new InputImage(thumbnail, "x"), 1, 1, 3)[2].ShouldBeLessThan((byte)30, "it is red");
    }

    [Fact]
    public async Task Sounds_can_be_heard_and_seen()
    {
        float[] tone = [.. Enumerable.Range(0, 8000).Select(i => MathF.Sin(i / 5f) / 2)];
        string id = await AddAsync("tone.wav", AudioFiles.EncodeWav(new Sound([tone], 8000)));
        JsonNode shown = await _server.GetAsync($"v1/atelier/data/{id}", Cancellation);
        ((double)shown["seconds"]!).ShouldBe(1, 0.01);
        shown["media"]!.AsArray().Select(one => (string)one!["media_type"]!).ShouldBe(["audio/wav", "image/png"]);
    }

    [Fact]
    public async Task Tables_worlds_and_data_sets_are_shown_too()
    {
        string id = await AddAsync("people.csv", "name,age\nann,3\nben,5\n"u8.ToArray());
        JsonNode table = await _server.GetAsync($"v1/atelier/data/{id}?column=age", Cancellation);
        ((string)table["columns"]!.AsArray().Single()!["name"]!).ShouldBe("age");
        JsonNode world = await _server.GetAsync("v1/atelier/data/world:pairs-en-zh?count=4", Cancellation);
        world["first"]!.AsArray().Count.ShouldBe(4);
        JsonArray all = (await _server.GetAsync("v1/atelier/data", Cancellation))["data"]!.AsArray();
        all.Select(one => (string)one!["origin"]!).Distinct().ShouldBe(["upload", "world", "dataset"]);
        all.Single(one => (string)one!["id"]! == "mnist")!["kind"]!.GetValue<string>().ShouldBe("images");
        all.Single(one => (string)one!["id"]! == "asia")!["kind"]!.GetValue<string>().ShouldBe("table");
    }

    [Theory]
    [InlineData("../evil.txt")]
    [InlineData("a/../../evil.txt")]
    [InlineData("a/..")]
    [InlineData("/etc/passwd")]
    [InlineData("a//b.txt")]
    [InlineData("./a.txt")]
    [InlineData("..\\\\evil.txt")]
    [InlineData("C:\\\\evil.txt")]
    [InlineData("a%0Ab.txt")]
    [InlineData("a\u0001b.txt")]
    [InlineData("a/b/c/d/e/f/g/h/i.txt")]
    [InlineData("folder /a.txt")]
    [InlineData("folder./a.txt")]
    public async Task A_name_that_leads_elsewhere_is_refused(string name)
    {
        (int status, JsonNode answer) = await _server.UploadAsync([("fine.txt", "x"u8.ToArray()),
            (name, "evil"u8.ToArray())], cancellation: Cancellation);
        status.ShouldBe(400, answer.ToJsonString());
        ((string)answer["error"]!["code"]!).ShouldBe("invalid_file_name");
        Left().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("a.txt", "a.txt")]
    [InlineData("a", "a/b.txt")]
    [InlineData("a/b.txt", "a")]
    public async Task A_name_that_is_given_twice_is_refused(string first, string second)
    {
        (int status, JsonNode answer) = await _server.UploadAsync([(first, "x"u8.ToArray()), (second, "y"u8.ToArray())],
            cancellation: Cancellation);
        status.ShouldBe(400, answer.ToJsonString());
        Left().ShouldBeEmpty();
    }

    [Fact]
    public async Task Too_much_a_long_name_and_nothing_are_refused()
    {
        (int status, JsonNode answer) = await _server.UploadAsync([("a.txt", new byte[60_000]),
            ("b.txt", new byte[60_000])], cancellation: Cancellation);
        status.ShouldBe(413, answer.ToJsonString());
        (status, answer) = await _server.UploadAsync([(new string('x', 300), [1])], cancellation: Cancellation);
        status.ShouldBe(400, answer.ToJsonString());
        (status, answer) = await _server.UploadAsync([], "empty", Cancellation);
        status.ShouldBe(400, answer.ToJsonString());
        (status, answer) = await _server.UploadAsync([("a.txt", [65])], new string('n', 5000), Cancellation);
        status.ShouldBe(400, answer.ToJsonString());
        (status, answer) = await _server.PostAsync("v1/atelier/data", "{}", Cancellation);
        status.ShouldBe(415, answer.ToJsonString());
        Left().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhalf")]
    [InlineData("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n")]
    [InlineData("--x\r\n\r\nno name\r\n--x--")]
    [InlineData("--x\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nv\r\n--x--")]
    [InlineData("--y\r\n")]
    [InlineData("")]
    public async Task A_form_that_is_cut_short_or_damaged_leaves_nothing_behind(string form)
    {
        using var content = new ByteArrayContent(Encoding.ASCII.GetBytes(form));
        content.Headers.TryAddWithoutValidation("Content-Type", "multipart/form-data; boundary=x");
        using HttpResponseMessage response = await _server.Http.PostAsync("v1/atelier/data", content, Cancellation);
        string answer = await response.Content.ReadAsStringAsync(Cancellation);
        ((int)response.StatusCode).ShouldBe(400, answer);
        answer.ShouldNotContain("Exception");
        Left().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("a.zip", "images")]
    [InlineData("a.png", "images")]
    [InlineData("a.wav", "audio")]
    [InlineData("a.conllu", "tagged")]
    [InlineData("a.parquet", "table")]
    public async Task Data_that_are_not_what_their_name_says_cannot_be_shown(string file, string kind)
    {
        (int status, JsonNode answer) = await _server.UploadAsync([(file, "no such data\n"u8.ToArray())],
            cancellation: Cancellation);
        status.ShouldBe(201, answer.ToJsonString());
        ((string)answer["kind"]!).ShouldBe(kind);
        using HttpResponseMessage shown =
            await _server.Http.GetAsync($"v1/atelier/data/{answer["id"]}", Cancellation);
        string said = await shown.Content.ReadAsStringAsync(Cancellation);
        ((int)shown.StatusCode).ShouldBe(400, said);
        said.ShouldContain("unreadable_data");
        said.ShouldNotContain(Uploads, Case.Sensitive, "no folder of this machine");
    }

    [Theory]
    [InlineData("upload-00000000000000000000000000000000", 404)]
    [InlineData("..%2F..%2Fetc%2Fpasswd", 404)]
    [InlineData("%2Fetc%2Fpasswd", 404)]
    [InlineData("world:shapes?kind=nothing", 400)]
    [InlineData("world:shapes?count=0", 400)]
    [InlineData("world:shapes?count=1000000", 400)]
    [InlineData("world:shapes?count=x", 400)]
    [InlineData("world:shapes?column=a", 400)]
    [InlineData("world:stories-en?kind=images", 400)]
    public async Task What_is_not_there_cannot_be_shown(string path, int status)
    {
        using HttpResponseMessage response = await _server.Http.GetAsync($"v1/atelier/data/{path}", Cancellation);
        string answer = await response.Content.ReadAsStringAsync(Cancellation);
        ((int)response.StatusCode).ShouldBe(status, answer);
        answer.ShouldContain("\"error\"");
    }

    [Fact]
    public async Task Only_uploads_are_deleted_and_pages_of_other_sites_ask_for_nothing()
    {
        using HttpResponseMessage world = await _server.Http.DeleteAsync("v1/atelier/data/world:shapes", Cancellation);
        ((int)world.StatusCode).ShouldBe(400);
        using var request = new HttpRequestMessage(HttpMethod.Post, "v1/atelier/runs/x/stop");
        request.Headers.Add("Sec-Fetch-Site", "cross-site");
        using HttpResponseMessage refused = await _server.Http.SendAsync(request, Cancellation);
        ((int)refused.StatusCode).ShouldBe(403);
        (await refused.Content.ReadAsStringAsync(Cancellation)).ShouldContain("cross_site");
    }

    [Fact]
    public async Task What_a_killed_server_has_left_is_removed_and_other_servers_uploads_are_not()
    {
        string left = Path.Combine(Uploads, ".upload-killed"), busy = Path.Combine(Uploads, ".upload-busy");
        Directory.CreateDirectory(left);
        Directory.CreateDirectory(busy);
        await using (new FileStream(Path.Combine(busy, ".lock"), FileMode.Create, FileAccess.ReadWrite, FileShare.None))
        {
            _ = new Uploads.UploadStore(new ServerOptions { RunsFolder = _server.At("runs") });
            Directory.Exists(left).ShouldBeFalse();
            Directory.Exists(busy).ShouldBeTrue();
        }
    }

    private static byte[] Png(int width, int height, byte[] colour) =>
        ImageFiles.EncodePng(width, height, 3, [.. Enumerable.Repeat(colour, width * height).SelectMany(c => c)]);

    private string[] Left() => Directory.Exists(Uploads) ? Directory.GetFileSystemEntries(Uploads) : [];

    private async Task<string> AddAsync(string file, byte[] content, string? name = null)
    {
        (int status, JsonNode answer) = await _server.UploadAsync([(file, content)], name, Cancellation);
        status.ShouldBe(201, answer.ToJsonString());
        return (string)answer["id"]!;
    }
}
