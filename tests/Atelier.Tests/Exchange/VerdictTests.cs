using System.Text;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Tasks.Text;
using Atelier.Tests.Data;
using Atelier.TestSupport;
using Atelier.Tokenizers;

namespace Atelier.Tests.Exchange;

/// <summary>
/// The same file gets the same verdict wherever it is given: to import, to generate (OpenForUse), to the library.
/// </summary>
public sealed class VerdictTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("config.json", "sliding_window", "64", "sliding_window is 64")]
    [InlineData("config.json", "layer_types", """["full_attention","sliding_attention"]""", "sliding_attention")]
    [InlineData("config.json", "partial_rotary_factor", "0.5", "'partial_rotary_factor' is 0.5")]
    [InlineData("config.json", "hidden_act", "\"gelu\"", "'hidden_act' is \"gelu\"")]
    [InlineData("config.json", "quantization_config", """{"quant_method":"gptq"}""", "'quantization_config'")]
    [InlineData("config.json", "logits_soft_cap", "30.0", "'logits_soft_cap'")]
    [InlineData("config.json", "num_local_experts", "8", "'num_local_experts'")]
    [InlineData("config.json", "auto_map", """{"AutoModel":"x.y"}""", "'auto_map'")]
    [InlineData("config.json", "architectures", """["LlamaForSequenceClassification"]""",
        "LlamaForSequenceClassification")]
    [InlineData("config.json", "attention_bias", "true", "self_attn.q_proj.bias is missing")]
    [InlineData("config.json", "mlp_bias", "true", "mlp.gate_proj.bias is missing")]
    [InlineData("config.json", "tie_word_embeddings", "\"yes\"", "tie_word_embeddings")]
    [InlineData("config.json", "rope_scaling", """{"rope_type":"longrope","factor":4.0}""", "longrope")]
    [InlineData("config.json", "rope_scaling", """{"rope_type":"linear","factor":4.0,"low_freq_factor":1.0}""",
        "'rope_scaling.low_freq_factor'")]
    [InlineData("config.json", "rope_scaling",
        """{"rope_type":"yarn","factor":4.0,"original_max_position_embeddings":40,"mscale":0.7}""",
        "'rope_scaling.mscale'")]
    [InlineData("config.json", "is_causal", "false", "'is_causal' is false")]
    [InlineData("config.json", "use_rope", "false", "'use_rope' is false")]
    [InlineData("config.json", "rope_scaling", """{"rope_type":"linear"}""", "rope_scaling.factor is missing")]
    [InlineData("config.json", "rope_scaling", """{"rope_type":"linear","type":"yarn","factor":4.0}""",
        "'linear' and 'yarn'")]
    [InlineData("config.json", "rope_parameters", """{"full_attention":{"rope_type":"linear","factor":4.0}}""",
        "'rope_parameters.full_attention'")]
    [InlineData("config.json", "vocab_size", "300", "the model has 300 tokens")]
    [InlineData("config.json", "no_repeat_ngram_size", "2", "'no_repeat_ngram_size' is 2")]
    [InlineData("config.json", "eos_token_id", "[999]", "eos_token_id 999")]
    [InlineData("generation_config.json", "eos_token_id", "[256,999]", "eos_token_id 999")]
    [InlineData("generation_config.json", "sequence_bias", "[[[1],2.0]]", "'sequence_bias'")]
    [InlineData("tokenizer_config.json", "add_eos_token", "true", "'add_eos_token'")]
    [InlineData("tokenizer.json", "normalizer", """{"type":"Reverse"}""", "Reverse")]
    [InlineData("tokenizer.json", "model.dropout", "0.1", "dropout")]
    [InlineData("tokenizer.json", "truncation", """{"max_length":8}""", "'truncation'")]
    public void A_folder_that_says_what_is_not_read_is_refused_everywhere_by_the_same_name(string file, string key,
        string value, string named)
    {
        TinyBundles.Write(_folder["model"], TinyBundles.Llama, new ByteTokenizer());
        JsonEdits.Set(_folder[$"model/{file}"], key, value);
        Everywhere("model").ShouldAllBe(verdict => verdict != null && verdict.Contains(named));
    }

    [Theory]
    [InlineData("_name_or_path", "\"x\"")]
    [InlineData("use_cache", "false")]
    [InlineData("torch_dtype", "\"float16\"")]
    [InlineData("task_specific_params", """{"text-generation":{"do_sample":true}}""")]
    [InlineData("id2label", """{"0":"LABEL_0"}""")]
    [InlineData("attention_dropout", "0.1")]
    [InlineData("initializer_range", "0.5")]
    [InlineData("pretraining_tp", "2")]
    [InlineData("sliding_window", "160")]
    [InlineData("quantization_config", "null")]
    [InlineData("unknown_switch", "false")]
    public void A_key_that_cannot_change_a_text_is_read_everywhere(string key, string value)
    {
        TinyBundles.Write(_folder["model"], TinyBundles.Llama, new ByteTokenizer());
        JsonEdits.Set(_folder["model/config.json"], key, value);
        Everywhere("model").ShouldAllBe(verdict => verdict == null);
    }

    [Theory]
    [InlineData("gpt2", "scale_attn_by_inverse_layer_idx", "true")]
    [InlineData("gpt2", "scale_attn_weights", "false")]
    [InlineData("gpt2", "activation_function", "\"relu\"")]
    [InlineData("gpt2", "add_cross_attention", "true")]
    [InlineData("gpt2", "rotary_dim", "32")]
    [InlineData("own", "sliding_window", "64")]
    [InlineData("rnn", "zoneout", "0.5")]
    public void Every_shape_refuses_what_it_does_not_read(string shape, string key, string value)
    {
        WriteShape(shape);
        JsonEdits.Set(_folder["model/config.json"], key, value);
        Everywhere("model").ShouldAllBe(verdict => verdict != null && verdict.Contains($"'{key}'"));
    }

    [Theory]
    [InlineData("llama", "extra.weight", 4, "extra.weight")]
    [InlineData("llama", "nothing.weight", 0, "nothing.weight")]
    [InlineData("llama", "model.layers.0.self_attn.q_proj.bias", 64, "self_attn.q_proj.bias")]
    [InlineData("gpt2", "transformer.h.7.ln_1.weight", 64, "transformer.h.7.ln_1.weight")]
    [InlineData("rnn", "extra", 4, "extra")]
    public void A_tensor_that_the_shape_has_no_place_for_is_refused_everywhere(string shape, string tensor, int size,
        string named)
    {
        WriteShape(shape);
        AddTensor(_folder["model/model.safetensors"], new SafetensorsEntry(tensor, SafetensorsType.F32, [size]));
        Everywhere("model").ShouldAllBe(verdict => verdict != null && verdict.Contains(named));
    }

    [Fact]
    public void Biases_in_the_attention_alone_are_read_everywhere_and_give_the_same_logits()
    {
        TinyBundles.Write(_folder["model"], TinyBundles.Llama with { Bias = true }, new ByteTokenizer());
        Keep(_folder["model/model.safetensors"],
            name => !(name.Contains(".mlp.", StringComparison.Ordinal)
            && name.EndsWith(".bias", StringComparison.Ordinal)));
        JsonEdits.Set(_folder["model/config.json"], "mlp_bias", "false");
        Everywhere("model").ShouldAllBe(verdict => verdict == null);
        using TextGenerator managed = TextModelFile.Open(_folder["model"]);
        using var tensors = TinyBundles.OpenForTraining(_folder["model"]);
        int[] ids = [256, .. Encoding.UTF8.GetBytes("abc").Select(b => (int)b)];
        float[][] a = TinyBundles.Logits(managed.Model, ids), b = TinyBundles.Logits(tensors.Model, ids);
        for (int i = 0; i < ids.Length; i++)
            a[i].Zip(b[i], (x, y) => Math.Abs(x - y)).Max().ShouldBeLessThan(1e-3f);
    }

    [Theory]
    [InlineData("PK\u0003\u0004 and so on, a zip archive", "weights.bin")]
    [InlineData("anything", "weights.pt")]
    [InlineData("anything", "weights.pth")]
    [InlineData("anything", "model.safetensors")]
    public void A_file_of_weights_alone_is_refused_everywhere_with_what_to_do(string text, string name)
    {
        string path = _folder.Write(name, Encoding.UTF8.GetBytes(text));
        string[] verdicts =
        [
            Should.Throw<AtelierException>(() => new Workshop().Import(path, null, _folder["out"])).ToLine(),
            Should.Throw<AtelierException>(() => TextModelFile.Open(path)).ToLine(),
            Should.Throw<AtelierException>(() => new Workshop().Open(path, new() { Device = "cpu" })).ToLine(),
        ];
        verdicts.ShouldAllBe(v => v.Contains("only weights") && v.Contains("use "));
        Directory.Exists(_folder["out"]).ShouldBeFalse();
    }

    [Theory]
    [InlineData("pytorch_model.bin", "import")]
    [InlineData("model.pt", "save_pretrained")]
    public void A_folder_whose_weights_are_PyTorchs_is_not_opened_in_place_and_told_what_to_do(string name, string told)
    {
        TinyBundles.Write(_folder["model"], TinyBundles.Llama, new ByteTokenizer());
        File.Move(_folder["model/model.safetensors"], _folder["model/" + name]);
        string[] verdicts =
        [
            Should.Throw<AtelierException>(() => TextModelFile.Open(_folder["model"])).ToLine(),
            Should.Throw<AtelierException>(() => new Workshop().Open(_folder["model"], new() { Device = "cpu" }))
                .ToLine(),
        ];
        verdicts.ShouldAllBe(verdict => verdict.Contains(name) && verdict.Contains(told));
    }

    [Fact]
    public void A_folder_without_a_config_is_refused_before_anything_is_copied()
    {
        TinyBundles.Write(_folder["model"], TinyBundles.Llama, new ByteTokenizer());
        File.Delete(_folder["model/config.json"]);
        var progress = new Lines();
        Should.Throw<AtelierException>(() =>
            new Workshop().Import(_folder["model"], null, _folder["out"], progress)).Message
            .ShouldBe("config.json is missing");
        progress.ShouldBeEmpty();
        Directory.Exists(_folder["out"]).ShouldBeFalse();
    }

    private sealed class Lines : List<string>, IProgress<string>
    {
        public void Report(string value) => Add(value);
    }

    [Theory]
    [InlineData("gpt2", 2, 64, 4, 128)]
    [InlineData("llama", 2, 64, 4, 96)]
    public void A_bundle_tells_its_parameters_and_shape(string shape, int layers, int width, int heads, int inner)
    {
        WriteShape(shape);
        ModelSummary model = ModelSummary.Of(_folder["model"]);
        model.ModelType.ShouldBe(shape);
        // By hand: embeddings, a head of its own for Llama's shape, blocks, norms.
        long block = shape == "gpt2"
            ? (4L * width * width) + (4 * width) + (2L * width * inner) + inner + width + (4 * width)
            : (2L * width * width) + (2L * width * (width / 2)) + (3L * width * inner) + (2 * width);
        long expected = (shape == "gpt2" ? (257L + 160) * width : 2L * 257 * width) + (layers * block)
            + (shape == "gpt2" ? 2 : 1) * width;
        model.Parameters.ShouldBe(expected);
        model.Shape.ShouldContain(("layerCount", layers));
        model.Shape.ShouldContain(("headCount", heads));
    }

    [Fact]
    public void What_a_gguf_file_says_of_starts_and_ends_goes_into_the_bundle_and_out_again()
    {
        TinyBundles.Write(_folder["model"], TinyBundles.Llama, new ByteTokenizer());
        JsonEdits.Set(_folder["model/generation_config.json"], "eos_token_id", "[256, 65]");
        JsonEdits.Set(_folder["model/tokenizer_config.json"], "add_bos_token", "false");
        new Workshop().Export(_folder["model"], "gguf", _folder["model.gguf"]);
        new Workshop().Import(_folder["model.gguf"], null, _folder["back"]);
        foreach (string path in (string[])["model", "model.gguf", "back"])
        {
            using TextGenerator generator = TextModelFile.Open(_folder[path]);
            generator.Bounds.EndIds.ShouldBe([256, 65], path);
            generator.Bounds.StartsPrompts.ShouldBeFalse(path);
        }
        using var opened = TinyBundles.OpenForTraining(_folder["back"]);
        opened.Bounds.EndIds.ShouldBe([256, 65]);
    }

    /// <summary>What each way in says of a folder; null where it opens.</summary>
    private string?[] Everywhere(string name)
    {
        string path = _folder[name];
        return
        [
            Verdict(() => new Workshop().Import(path, null, _folder["imported"])),
            Verdict(() => TextModelFile.Open(path).Dispose()),
            Verdict(() => new Workshop().Open(path, new() { Device = "cpu", ForTraining = true }).Dispose()),
            Verdict(() => new Workshop().Open(path, new() { Device = "cpu" }).Dispose()),
        ];
    }

    private static string? Verdict(Action open)
    {
        try
        {
            open();
            return null;
        }
        catch (AtelierException e)
        {
            return e.ToLine();
        }
    }

    private void WriteShape(string shape)
    {
        if (shape == "rnn")
            TinyBundles.WriteRecurrent(_folder["model"], new ByteTokenizer());
        else
            TinyBundles.Write(_folder["model"],
                shape switch { "gpt2" => TinyBundles.Gpt2, "llama" => TinyBundles.Llama,
                _ => TinyBundles.Gpt2 with { Norm = Atelier.Networks.NormName.Rms } }, new ByteTokenizer());
    }

    private static void AddTensor(string path, SafetensorsEntry added) => Rewrite(path, entries => [.. entries, added]);

    private static void Keep(string path, Func<string, bool> isKept) =>
        Rewrite(path, entries => [.. entries.Where(e => isKept(e.Name))]);

    private static void Rewrite(string path, Func<IReadOnlyList<SafetensorsEntry>, SafetensorsEntry[]> change)
    {
        string old = path + ".old";
        File.Move(path, old);
        using (SafetensorsFile file = SafetensorsFile.Open(old))
        {
            HashSet<string> known = [.. file.Entries.Select(e => e.Name)];
            SafetensorsWriter.Write(path, [.. change(file.Entries).OrderBy(e => e.Name, StringComparer.Ordinal)],
                (entry, stream) =>
            {
                byte[] bytes = new byte[entry.ByteCount];
                if (known.Contains(entry.Name))
                    file.CopyTo(entry.Name, 0, bytes);
                stream.Write(bytes);
            }, new Dictionary<string, string> { ["format"] = "pt" });
        }
        File.Delete(old);
    }
}
