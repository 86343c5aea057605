using Atelier.Abstractions;
using Atelier.Compress;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Kernels;
using Atelier.Models.Rnn;
using Atelier.Tensors;
using Atelier.Tests.Data;
using Atelier.Tests.Training;
using Atelier.Tokenizers;
using static TorchSharp.torch;

namespace Atelier.Tests.Exchange;

public sealed class CompressionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("llama", "q8", 0.02)]
    [InlineData("gpt2", "q8", 0.02)]
    [InlineData("llama", "q4", 0.3)]
    [InlineData("gpt2", "q3", 0.6)]
    [InlineData("llama", "q2", 1.2)]
    public async Task A_compressed_model_is_smaller_and_says_nearly_the_same(string shape, string type, double bound)
    {
        TinyBundles.Write(_folder["bundle"], TinyBundles.Shape(shape), TinyBundles.Tokenizer("bpe"));
        string text = _folder.Write("text.txt", string.Concat(Enumerable.Repeat(TinyBundles.Text, 8)));
        CompressionReport report = await new Workshop().CompressAsync(_folder["bundle"], _folder["small"],
            new CompressionOptions { Type = type, Against = text, Calibration = type == "q8" ? null : text });
        report.IsCalibrated.ShouldBe(type != "q8");
        report.After.Bytes.ShouldBeLessThan(report.Before.Bytes / (type == "q8" ? 2 : 3));
        report.After.Bytes.ShouldBe(new FileInfo(_folder["small/model.gguf"]).Length);
        report.LossChange!.Value.ShouldBe(report.After.Loss!.Value - report.Before.Loss!.Value, 1e-9);
        Math.Abs(report.LossChange.Value).ShouldBeLessThan(bound);
        report.LossChange.Value.ShouldBeInRange(report.LossChange.Low, report.LossChange.High);
        File.ReadAllText(_folder["small/README.md"]).ShouldContain($"| before | {type} |");
        using var generator = TinyBundles.OpenForTraining(_folder["small"]);
        generator.Tokenizer.Encode(TinyBundles.Text).ShouldBe(TinyBundles.Tokenizer("bpe").Encode(TinyBundles.Text));
    }

    [Fact]
    public async Task A_compressed_model_goes_out_comes_in_and_is_copied_with_the_same_blocks()
    {
        TinyBundles.Write(_folder["bundle"], TinyBundles.Llama, TinyBundles.Tokenizer("character"));
        await new Workshop().CompressAsync(_folder["bundle"], _folder["small"], new() { Type = "q4" });
        new Workshop().Export(_folder["small"], "gguf", _folder["out.gguf"]);
        new Workshop().Import(_folder["out.gguf"], null, _folder["back"]);
        new Workshop().Import(_folder["back"], null, _folder["copy"]);
        byte[] blocks = File.ReadAllBytes(_folder["small/model.gguf"]);
        File.ReadAllBytes(_folder["back/model.gguf"]).ShouldBe(blocks);
        File.ReadAllBytes(_folder["copy/model.gguf"]).ShouldBe(blocks);

        // For Hugging Face's tools the blocks become numbers: the same model.
        new Workshop().Export(_folder["small"], "huggingface", _folder["hf"]);
        File.Exists(_folder["hf/model.gguf"]).ShouldBeFalse();
        using var small = TinyBundles.OpenForTraining(_folder["small"]);
        using var plain = TinyBundles.OpenForTraining(_folder["hf"]);
        int[] ids = [small.StartId, .. small.Tokenizer.Encode(TinyBundles.Text)];
        float[][] expected = TinyBundles.Logits(plain.Model, ids), actual = TinyBundles.Logits(small.Model, ids);
        double worst = expected.Zip(actual, (e, a) => e.Zip(a, (x, y) => Math.Abs(x - y)).Max()).Max();
        worst.ShouldBeLessThan(0.1); // activations may be rounded too
    }

    [Theory]
    [InlineData("q3")]
    [InlineData("q2")]
    public async Task Blocks_that_only_Atelier_reads_are_smaller_and_are_exported_as_4_bits_with_the_same_numbers(
        string type)
    {
        TinyBundles.Write(_folder["bundle"], TinyBundles.Llama, TinyBundles.Tokenizer("character"));
        var workshop = new Workshop();
        CompressionReport report = await workshop.CompressAsync(_folder["bundle"], _folder["small"],
            new() { Type = type });
        workshop.Export(_folder["small"], "gguf", _folder["out.gguf"]);
        new FileInfo(_folder["out.gguf"]).Length.ShouldBeGreaterThan(report.After.Bytes);
        Should.Throw<AtelierException>(() => workshop.Export(_folder["small"], "gguf", _folder["no.gguf"], type))
            .ToLine().ShouldContain("GGUF files with blocks of the type");
        using ModelWeights small = ModelWeights.Open(_folder["small"], ConfigFile.Read(_folder["small/config.json"]));
        using ModelWeights exported = ModelWeights.FromGguf(GgufFile.Open(_folder["out.gguf"]));
        int blocked = 0;
        foreach (ModelTensor tensor in small.Tensors)
        {
            ModelTensor other = exported.Find(tensor.Name)!;
            other.Read(TensorLayout.Gguf).ShouldBe(tensor.Read(TensorLayout.Gguf));
            if (tensor.Type is WeightType.Q3 or WeightType.Q2)
            {
                other.Type.ShouldBe(WeightType.Q4_0);
                blocked++;
            }
        }
        blocked.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Shapes_that_llama_cpp_does_not_know_are_compressed_all_the_same_but_not_exported()
    {
        using (NewDisposeScope())
        {
            Tokenizer tokenizer = TinyBundles.Tokenizer("character");
            using var model = new RnnModel(new RnnConfig { EmbeddingSize = 64, HiddenSize = 64 },
                tokenizer.VocabularySize, Precision.Fp32, seed: 1);
            new RnnFamily().Write(_folder["rnn"], model, tokenizer, new DecodingOptions(), 0, "# Tiny");
        }
        await new Workshop().CompressAsync(_folder["rnn"], _folder["small"], new() { Type = "q8" });
        (await Should.ThrowAsync<AtelierException>(() => new Workshop().CompressAsync(_folder["rnn"], _folder["x"],
            new() { Prune = "50%", Calibration = _folder.Write("text.txt", "abcabc") }))).ToLine()
            .ShouldContain("cannot be pruned");
        using var before = TinyBundles.OpenForTraining(_folder["rnn"]);
        using var after = TinyBundles.OpenForTraining(_folder["small"]);
        float[] a = TinyBundles.Logits(before.Model, [1, 2, 3])[2], b = TinyBundles.Logits(after.Model, [1, 2, 3])[2];
        a.Zip(b, (x, y) => Math.Abs(x - y)).Max().ShouldBeInRange(1e-9f, 1e-2f);
        Should.Throw<AtelierException>(() =>
            new Workshop().Export(_folder["small"], "gguf", _folder["rnn.gguf"]))
            .Message.ShouldContain("GGUF does not support models of type");
        Should.Throw<AtelierException>(() =>
            new Workshop().CompressAsync(_folder["rnn"], _folder["x"], new() { Type = "f16" })).Message
            .ShouldContain("not a compression type");
    }

    [Fact]
    public async Task A_pruned_model_recovers_without_its_zeros_and_can_be_quantised_too()
    {
        await new FineTunedRuns(_folder).TrainAsync("run", "gpt", "training.steps=4");
        var options = new CompressionOptions { Prune = "50%", RecoverySteps = 0 };
        CompressionReport report = await new Workshop().CompressAsync(_folder["run"], _folder["pruned"], options);
        (report.Type, report.IsCalibrated).ShouldBe(("pruned-50%", true));
        await new Workshop().CompressAsync(_folder["run"], _folder["recovered"], options with { RecoverySteps = 3 });
        Dictionary<string, float[]> before = Weights("run/bundle"), pruned = Weights("pruned"),
            recovered = Weights("recovered");
        foreach ((string name, float[] values) in before)
        {
            bool isLayer = IsLayer(name);
            int zeros = pruned[name].Count(value => value == 0);
            zeros.ShouldBe(isLayer ? values.Length / 2 : values.Count(value => value == 0), name);
            for (int i = 0; i < values.Length; i++)
                (pruned[name][i] == 0 || pruned[name][i] == values[i]).ShouldBeTrue(name);
            recovered[name].Count(value => value == 0).ShouldBe(zeros, name);
            if (isLayer)
                recovered[name].SequenceEqual(pruned[name]).ShouldBeFalse(name);
        }
        report = await new Workshop().CompressAsync(_folder["run"], _folder["both"], options with { Type = "q4" });
        report.Type.ShouldBe("pruned-50%-q4");
        File.Exists(_folder["both/model.gguf"]).ShouldBeTrue();
        report = await new Workshop().CompressAsync(_folder["run"], _folder["pairs"], options with { Prune = "2:4" });
        foreach ((string name, float[] values) in Weights("pairs"))
        {
            if (IsLayer(name))
                values.Chunk(4).ShouldAllBe(four => four.Count(value => value == 0) == 2);
        }
        Directory.GetDirectories(_folder["."], "*partial*").ShouldBeEmpty();

        static bool IsLayer(string name) => // c_attn, c_fc and c_proj
            name.Contains(".c_", StringComparison.Ordinal) && name.EndsWith(".weight", StringComparison.Ordinal);

        Dictionary<string, float[]> Weights(string folder)
        {
            using ModelWeights weights = ModelWeights.Open(_folder[folder],
                ConfigFile.Read(_folder[Path.Combine(folder, "config.json")]));
            return weights.Tensors.ToDictionary(tensor => tensor.Name,
                tensor => tensor.Read(TensorLayout.Gguf));
        }
    }

    [Theory]
    [InlineData(null, null, null, "nothing to do")]
    [InlineData("q4", "0%", null, "not a share")]
    [InlineData(null, "half", null, "not a share")]
    [InlineData(null, "50%", "none", "pruning needs the inputs of layers")]
    [InlineData(null, "50%", null, "no text to calibrate on")]
    [InlineData("q8", null, "text.txt", "8-bit weights are not calibrated")]
    [InlineData("q2", "50%", null, "2-bit weights have no zero")]
    [InlineData("q5", null, null, "not a compression type")]
    [InlineData("q4", null, null, "only a pruned model recovers", 5L)]
    [InlineData(null, "50%", null, "no recipe to recover by", 5L)]
    public async Task What_cannot_be_compressed_is_one_line_and_leaves_nothing(string? type, string? prune,
        string? calibration, string said, long? steps = null)
    {
        TinyBundles.Write(_folder["bundle"], TinyBundles.Llama, TinyBundles.Tokenizer("character"));
        (await Should.ThrowAsync<AtelierException>(() => new Workshop().CompressAsync(_folder["bundle"],
            _folder["small"], new() { Type = type, Prune = prune, Calibration = calibration, RecoverySteps = steps })))
            .ToLine().ShouldContain(said);
        Directory.Exists(_folder["small"]).ShouldBeFalse();
    }

    [Fact]
    public void A_weight_that_is_no_number_or_too_large_is_told()
    {
        TinyBundles.Write(_folder["bundle"], TinyBundles.Gpt2, TinyBundles.Tokenizer("byte"));
        string path = _folder["bundle/model.safetensors"];
        byte[] bytes = File.ReadAllBytes(path);
        BitConverter.GetBytes(float.NaN).CopyTo(bytes, bytes.Length - 4);
        File.WriteAllBytes(path, bytes);
        Should.Throw<AtelierException>(() =>
            new Workshop().Export(_folder["bundle"], "gguf", _folder["a.gguf"], "q8"))
            .Message.ShouldContain("cannot hold");
        Should.Throw<AtelierException>(() =>
            new Workshop().Import(_folder["bundle"], null, _folder["copy"])).Message.ShouldContain("is not a number");
        Directory.Exists(_folder["copy"]).ShouldBeFalse();
        BitConverter.GetBytes(1e6f).CopyTo(bytes, bytes.Length - 4);
        File.WriteAllBytes(path, bytes);
        Should.Throw<AtelierException>(() =>
            new Workshop().Export(_folder["bundle"], "gguf", _folder["a.gguf"], "f16")).Hint!.ShouldContain("bf16");
        new Workshop().Export(_folder["bundle"], "gguf", _folder["a.gguf"], "bf16").ShouldBe(_folder["a.gguf"]);
    }
}
