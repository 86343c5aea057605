using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Atelier.Data;
using Atelier.TestSupport;

namespace Atelier.Tests.Data;

public sealed class CatalogueTests : IDisposable
{
    private static readonly byte[] Content = [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * 31 + i / 256))];

    private readonly TemporaryFolder _folder = new();
    private readonly List<long> _starts = [];
    private readonly HttpListener _server = new();
    private readonly string _address;

    /// <summary>Of the answer to each request in turn: bytes to send before breaking off, or -1 for all.</summary>
    private readonly Queue<int> _breaks = new();

    private byte[] _served = Content;
    private bool _ranges = true;

    public CatalogueTests()
    {
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            _address = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/";
        }
        _server.Prefixes.Add(_address);
        _server.Start();
        _ = Task.Run(ServeAsync);
    }

    public void Dispose()
    {
        _server.Close();
        _folder.Dispose();
    }

    private string Cached => Path.Combine(_folder.Path, "cache", "set", "file.bin");

    private async Task ServeAsync()
    {
        while (_server.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _server.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
            string? range = _ranges ? context.Request.Headers["Range"] : null;
            int start = range is null ? 0 : int.Parse(range.Split('=', '-')[1]);
            _starts.Add(start);
            if (range is not null)
            {
                context.Response.StatusCode = 206;
                context.Response.AddHeader("Content-Range", $"bytes {start}-{_served.Length - 1}/{_served.Length}");
            }
            context.Response.ContentLength64 = _served.Length - start;
            int most = _breaks.TryDequeue(out int some) && some >= 0 ? some : _served.Length;
            await context.Response.OutputStream.WriteAsync(_served.AsMemory(start,
                Math.Min(most, _served.Length - start)));
            await context.Response.OutputStream.FlushAsync();
            if (most < _served.Length - start)
                context.Response.Abort();
            else
                context.Response.Close();
        }
    }

    private (Catalogue Catalogue, CatalogueEntry Entry) Make(string? mirror = null)
    {
        var entry = new CatalogueEntry
        {
            Name = "set",
            Description = "",
            Source = "",
            Licence = "",
            Reading = new(),
            Files = [new("file.bin", _address + "file.bin", Content.Length,
                Convert.ToHexStringLower(SHA256.HashData(Content)))],
        };
        return (new Catalogue(mirror, Path.Combine(_folder.Path, "cache"), [entry]), entry);
    }

    private string Get(string? mirror = null, CancellationToken cancellation = default)
    {
        (Catalogue catalogue, CatalogueEntry entry) = Make(mirror);
        return catalogue.Get(entry, null, cancellation).Single();
    }

    [Fact]
    public void A_file_is_fetched_once_and_then_comes_from_the_cache()
    {
        Get().ShouldBe(Cached);
        Get().ShouldBe(Cached);
        File.ReadAllBytes(Cached).ShouldBe(Content);
        _starts.ShouldBe([0]);
        Directory.GetFiles(Path.GetDirectoryName(Cached)!).ShouldBe([Cached]);
    }

    [Fact]
    public void Given_connections_that_break_then_it_goes_on_from_where_it_was()
    {
        _breaks.Enqueue(100_000);
        _breaks.Enqueue(50_000);
        Get();
        File.ReadAllBytes(Cached).ShouldBe(Content);
        _starts.Count.ShouldBe(3);
        _starts[0].ShouldBe(0);
        _starts[2].ShouldBeGreaterThan(_starts[1]);
        _starts[1].ShouldBeGreaterThan(0);
    }

    [Fact]
    public void Given_a_partial_file_of_an_earlier_try_then_only_the_rest_is_fetched()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Cached)!);
        File.WriteAllBytes(Cached + ".partial", Content[..120_000]);
        Get();
        File.ReadAllBytes(Cached).ShouldBe(Content);
        _starts.ShouldBe([120_000]);
    }

    [Fact]
    public void Given_a_server_that_cannot_begin_in_the_middle_then_the_file_is_whole_all_the_same()
    {
        _ranges = false;
        _breaks.Enqueue(100_000);
        Get();
        File.ReadAllBytes(Cached).ShouldBe(Content);
    }

    [Fact]
    public void Given_connections_that_always_break_then_it_says_how_to_go_on_and_keeps_what_came()
    {
        for (int i = 0; i < 20; i++)
            _breaks.Enqueue(20_000);
        Should.Throw<AtelierException>(() => Get()).Hint!.ShouldContain("resume the download");
        new FileInfo(Cached + ".partial").Length.ShouldBeGreaterThan(0);
        File.Exists(Cached).ShouldBeFalse();
    }

    [Fact]
    public void Given_other_content_than_meant_then_it_is_refused_and_thrown_away()
    {
        _served = [.. Content.Reverse()];
        Should.Throw<AtelierException>(() => Get()).Message.ShouldContain("SHA-256");
        Directory.GetFiles(Path.GetDirectoryName(Cached)!).ShouldBeEmpty();
    }

    [Fact]
    public void Given_no_server_then_it_says_where_a_file_can_be_put()
    {
        _server.Stop();
        AtelierException e = Should.Throw<AtelierException>(() => Get());
        e.Where.ShouldBe(_address + "file.bin");
        e.Hint!.ShouldContain("ATELIER_DATA");
    }

    [Fact]
    public void The_mirror_goes_before_the_cache_and_a_wrong_file_there_is_told()
    {
        Directory.CreateDirectory(_folder["mirror/set"]);
        string path = _folder.Write("mirror/set/file.bin", Content);
        Get(_folder["mirror"]).ShouldBe(path);
        _starts.ShouldBeEmpty();
        File.WriteAllBytes(path, Content[1..]);
        Should.Throw<AtelierException>(() => Get(_folder["mirror"])).Where.ShouldBe(path);
    }

    [Fact]
    public void A_gzip_file_of_the_same_content_packed_otherwise_is_taken_and_one_of_other_content_is_not()
    {
        var file = new CatalogueFile("file.gz", null, 1, "of another packing",
            new FileContent(Content.Length, Convert.ToHexStringLower(SHA256.HashData(Content))));
        Catalogue.IsMeant(_folder.Write("file.gz", Packed(Content)), file).ShouldBeTrue();
        Catalogue.IsMeant(_folder.Write("file.gz", Packed(Content[1..])), file).ShouldBeFalse();
        Catalogue.IsMeant(_folder.Write("file.gz", Packed([.. Content, 1])), file).ShouldBeFalse();
        Catalogue.IsMeant(_folder.Write("file.gz", Content), file).ShouldBeFalse("it is no gzip file");

        static byte[] Packed(byte[] content)
        {
            using var packed = new MemoryStream();
            using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
                gzip.Write(content);
            return packed.ToArray();
        }
    }

    [Theory]
    [InlineData("mnist", "train-images-idx3-ubyte.gz")]
    [InlineData("tinyshakespeare", "input.txt")]
    [InlineData("names", "names.txt")]
    [InlineData("poetry-zh", "ci.song.0.json")]
    [InlineData("translation-en-zh", "cmn.txt")]
    public void The_files_of_the_mirror_are_those_that_the_catalogue_means(string name, string file)
    {
        string path = DataFolder.File(name, file);
        var catalogue = Catalogue.OfThisMachine();
        catalogue.Get(catalogue.Find(name)!)[0].ShouldBe(path);
    }
}
