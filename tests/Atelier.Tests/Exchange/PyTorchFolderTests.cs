using System.Text.Json;
using Atelier.Abstractions;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Kernels;
using Atelier.Tests.Data;
using Atelier.TestSupport;
using Atelier.Tokenizers;

namespace Atelier.Tests.Exchange;

/// <summary>
/// A folder whose weights torch.save wrote, in shards of several types: benchmarks/peers/pytorch_folder.py made it.
/// </summary>
public sealed class PyTorchFolderTests : IDisposable
{
    private const int Hidden = 8, Inner = 16;

    private readonly TemporaryFolder _folder = new();
    private readonly CharacterTokenizer _tokenizer = CharacterTokenizer.Train(["abcdefg"], byteFallback: false);

    private string Source => _folder["source"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_folder_of_shards_is_imported_with_every_weight_in_its_type()
    {
        Write();
        new Workshop().Import(Source, null, _folder["bundle"]);
        ConfigFile config = ConfigFile.Read(_folder["bundle/config.json"]);
        using ModelWeights weights = ModelWeights.Open(_folder["bundle"], config);
        // In the order of the script that wrote them; its double precision becomes single.
        string[] names = ["model.embed_tokens", "model.norm", "lm_head", "model.layers.0.input_layernorm",
            "model.layers.0.post_attention_layernorm", .. "qkvo".Select(p => $"model.layers.0.self_attn.{p}_proj"),
            .. ((string[])["gate", "up", "down"]).Select(p => $"model.layers.0.mlp.{p}_proj")];
        WeightType[] types = [WeightType.F16, WeightType.BF16, WeightType.F32, WeightType.F32];
        for (int k = 0; k < names.Length; k++)
        {
            ModelTensor tensor = weights.Take(names[k] + ".weight");
            tensor.Type.ShouldBe(types[k % types.Length], names[k]);
            float[] values = tensor.Read(TensorLayout.HuggingFace);
            values.ShouldBe(Enumerable.Range(0, values.Length).Select(i => (((i + (7 * k)) % 13) - 6) / 16f), names[k]);
        }
        weights.RefuseUntaken();
        using var generator = new Workshop().Open(_folder["bundle"], new() { Device = "cpu" })
            .Require<TextGenerator>();
        int samples = 0;
        await foreach (TextSample sample in generator.GenerateAsync(new GenerationRequest { Seed = 1, Prompt = "ab" },
            TestContext.Current.CancellationToken))
            samples += sample.Text.Length > 0 ? 1 : 0;
        samples.ShouldBe(1);
    }

    [Fact]
    public void A_missing_shard_and_one_outside_the_folder_are_refused_and_nothing_is_written()
    {
        Write();
        File.Delete(Path.Combine(Source, "pytorch_model-00002-of-00002.bin"));
        Refused().Where.ShouldNotBeNull().ShouldEndWith("pytorch_model-00002-of-00002.bin");
        string index = Path.Combine(Source, "pytorch_model.bin.index.json");
        File.WriteAllText(index, """{"weight_map": {"a": "../elsewhere.bin"}}""");
        Refused().Message.ShouldContain("outside the folder");
        Directory.Exists(_folder["bundle"]).ShouldBeFalse();
    }

    private AtelierException Refused() =>
        Should.Throw<AtelierException>(() => new Workshop().Import(Source, null, _folder["bundle"]));

    private void Write()
    {
        Directory.CreateDirectory(Source);
        foreach (string file in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Golden", "pytorch")))
            File.Copy(file, Path.Combine(Source, Path.GetFileName(file)));
        _tokenizer.Save(Path.Combine(Source, "tokenizer.json"));
        File.WriteAllText(Path.Combine(Source, "config.json"), JsonSerializer.Serialize(new
        {
            model_type = "llama", vocab_size = _tokenizer.VocabularySize, hidden_size = Hidden,
            intermediate_size = Inner, num_hidden_layers = 1, num_attention_heads = 2, max_position_embeddings = 32,
            rms_norm_eps = 1e-5,
        }));
    }
}
