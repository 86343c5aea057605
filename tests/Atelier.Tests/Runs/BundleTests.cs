using System.Text.Json;
using Atelier.Abstractions;
using Atelier.Runs;
using Atelier.Tensors;
using Atelier.Tokenizers;
using static TorchSharp.torch;

namespace Atelier.Tests.Runs;

public sealed class BundleTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("atelier").FullName;

    private string Folder => Path.Combine(_root, "bundle");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private void Write(float weight = 1, DecodingOptions? decoding = null, string? folder = null)
    {
        using Tensor tensor = full([2, 3], weight);
        BundleWriter.Write(folder ?? Folder, """{"model_type": "tiny"}""",
            new Dictionary<string, Tensor> { ["w"] = tensor },
            new ByteTokenizer(), decoding ?? new DecodingOptions(), startId: 10, "# Card");
    }

    [Fact]
    public void What_is_written_is_all_there()
    {
        Write(decoding: new DecodingOptions { TopK = 7 });
        Bundle bundle = Bundle.Open(Folder);
        bundle.ModelType.ShouldBe("tiny");
        File.ReadAllText(bundle.CardPath).ShouldBe("# Card");
        TokenizerFile.Load(bundle.TokenizerPath).VocabularySize.ShouldBe(new ByteTokenizer().VocabularySize);
        using var weights = TensorFiles.Read(bundle.WeightsPath)["w"];
        weights.data<float>().ToArray().ShouldBe([1, 1, 1, 1, 1, 1]);
        using JsonDocument generation = JsonDocument.Parse(File.ReadAllBytes(bundle.GenerationConfigPath));
        generation.RootElement.GetProperty("top_k").GetInt32().ShouldBe(7);
        generation.RootElement.GetProperty("bos_token_id").GetInt32().ShouldBe(10);
        Directory.GetFileSystemEntries(_root).ShouldBe([Folder]);
    }

    [Fact]
    public void A_newer_bundle_takes_the_older_one_s_place_and_a_failed_one_leaves_it()
    {
        Write(1);
        Write(2);
        Should.Throw<InvalidOperationException>(() => BundleWriter.Write(Folder, "{}", new Dictionary<string, Tensor>(),
            new FailingTokenizer(), new DecodingOptions(), 0, ""));
        using var weights = TensorFiles.Read(Bundle.Open(Folder).WeightsPath)["w"];
        weights[0, 0].item<float>().ShouldBe(2);
    }

    [Fact]
    public void A_folder_of_something_else_is_not_overwritten()
    {
        File.WriteAllText(Path.Combine(_root, "thesis.txt"), "mine");
        Should.Throw<AtelierException>(() => Write(folder: _root)).Hint!.ShouldContain("with 'out'");
        File.Exists(Path.Combine(_root, "thesis.txt")).ShouldBeTrue();
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("model.safetensors")]
    public void A_missing_file_is_named(string file)
    {
        Write();
        File.Delete(Path.Combine(Folder, file));
        Should.Throw<AtelierException>(() => Bundle.Open(Folder)).Message.ShouldContain(file);
    }

    [Fact]
    public void What_is_no_bundle_is_told_apart()
    {
        Should.Throw<AtelierException>(() => Bundle.Open(Folder)).Message.ShouldContain("no such folder");
        using (Run.Create(Folder, RunTests.Recipe))
        {
        }
        Should.Throw<AtelierException>(() => Bundle.Open(Folder)).Hint!.ShouldContain("'train' 'resume'");
        Write(folder: Path.Combine(Folder, "bundle"));
        Bundle.Open(Folder).Folder.ShouldBe(Path.Combine(Folder, "bundle"));
    }

    private sealed class FailingTokenizer : Tokenizer
    {
        public override string Kind => "byte";

        public override int VocabularySize => 1;

        public override int? EndOfTextId => null;

        public override void Encode(ReadOnlySpan<char> text, List<int> ids) => throw new NotSupportedException();

        public override ReadOnlySpan<byte> Bytes(int id) => throw new NotSupportedException();

        public override string Name(int id) => throw new NotSupportedException();

        public override void Save(string path) => throw new InvalidOperationException();
    }
}
