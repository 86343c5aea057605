using Atelier.Abstractions;
using Atelier.Compress;
using Atelier.Generation;
using Atelier.Models.Rnn;
using Atelier.Tensors;
using Atelier.Tests.Data;
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
    public async Task A_compressed_model_is_smaller_and_says_nearly_the_same(string shape, string type, double bound)
    {
        TinyBundles.Write(_folder["bundle"], TinyBundles.Shape(shape), TinyBundles.Tokenizer("bpe"));
        string text = _folder.Write("text.txt", string.Concat(Enumerable.Repeat(TinyBundles.Text, 8)));
        CompressionReport report = await new Workshop().CompressAsync(_folder["bundle"], type, _folder["small"], text);
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
        await new Workshop().CompressAsync(_folder["bundle"], "q4", _folder["small"]);
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
        await new Workshop().CompressAsync(_folder["rnn"], "q8", _folder["small"]);
        using var before = TinyBundles.OpenForTraining(_folder["rnn"]);
        using var after = TinyBundles.OpenForTraining(_folder["small"]);
        float[] a = TinyBundles.Logits(before.Model, [1, 2, 3])[2], b = TinyBundles.Logits(after.Model, [1, 2, 3])[2];
        a.Zip(b, (x, y) => Math.Abs(x - y)).Max().ShouldBeInRange(1e-9f, 1e-2f);
        Should.Throw<AtelierException>(() =>
            new Workshop().Export(_folder["small"], "gguf", _folder["rnn.gguf"]))
            .Message.ShouldContain("GGUF does not support models of type");
        Should.Throw<AtelierException>(() =>
            new Workshop().CompressAsync(_folder["rnn"], "f16", _folder["x"])).Message
            .ShouldContain("not a compression type");
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
