using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Models.Gpt;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tests.Data;
using Atelier.Tests.Exchange;
using Atelier.Tokenizers;
using Atelier.Training;

namespace Atelier.Tests.Training;

/// <summary>Adapters: trained, written in PEFT's files, read from them, merged, and swapped at use.</summary>
public sealed class LoraTests : IDisposable
{
    private static readonly int[] s_tokens = [.. Enumerable.Range(0, 12).Select(i => (i * 37) % 200)];
    private readonly TemporaryFolder _folder = new();
    private readonly FineTunedRuns _runs;

    public LoraTests() => _runs = new FineTunedRuns(_folder);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_run_writes_the_merged_bundle_and_an_adapter_that_makes_the_base_the_same_model()
    {
        await _runs.TrainAsync("base", "gpt", "training.steps=2");
        await _runs.ContinueAsync("base", "lora", "training.steps=4", "training.lora.rank=4",
            "training.lora.dropout=0.1", "training.optimizer.learningRate=0.02", "training.replicas=2");
        float[] before = Logits("base", null), merged = Logits("lora", null);
        Distance(before, merged).ShouldBeGreaterThan(0.01);
        Distance(Logits("base", "lora/adapter"), merged).ShouldBeLessThan(1e-4);

        // the same on the training library, and back to the base without loading it again
        using TextGenerator reopened = TinyBundles.OpenForTraining(_folder["base"]);
        reopened.UseAdapter(_folder["lora/adapter"]);
        Distance(Flat(reopened), merged).ShouldBeLessThan(1e-4);
        reopened.UseAdapter(null);
        Distance(Flat(reopened), before).ShouldBeLessThan(1e-4);

        // merged from file to file
        _runs.Workshop.Export(_folder["base"], "huggingface", _folder["exported"], adapter: _folder["lora/adapter"]);
        Distance(Logits("exported", null), merged).ShouldBeLessThan(1e-5);
        File.ReadAllText(_folder["lora/bundle/README.md"]).ShouldContain("rank 4");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_resumed_run_has_the_weights_of_an_uninterrupted_one(bool isDora)
    {
        await _runs.TrainAsync("base", "gpt", "training.steps=2");
        string[] settings =
        [
            "training.lora.targets=[c_attn]", "training.lora.dropout=0.2",
            $"training.lora.dora={(isDora ? "true" : "false")}", "training.ema=0.9", "training.steps=6",
        ];
        await _runs.ContinueAsync("base", "whole", settings);
        using var stop = new CancellationTokenSource();
        var listener = new StopAt(3, stop);
        await _runs.Workshop.TrainAsync(_runs.Continued("base", [.. settings, "training.reportEvery=1"]),
            new(_folder["parts"]) { Progress = listener }, stop.Token);
        Run.HasResult(_folder["parts"]).ShouldBeFalse();
        await _runs.Workshop.ResumeAsync(new(_folder["parts"]));
        foreach (string file in (string[])["bundle/model.safetensors", "adapter/adapter_model.safetensors"])
            File.ReadAllBytes(_folder[$"parts/{file}"]).ShouldBe(File.ReadAllBytes(_folder[$"whole/{file}"]));
        PeftFiles.Read(_folder["whole/adapter"]).Layers.ShouldAllBe(layer => (layer.Magnitude != null) == isDora);
    }

    [Theory]
    [InlineData("llama, biases and a tied head", "[attention, down_proj]",
        "down_proj k_proj o_proj q_proj v_proj", "model.layers.1.self_attn.k_proj", 64, 32)]
    [InlineData("gpt2", "[attn.c_proj]", "attn.c_proj", "transformer.h.0.attn.c_proj", 64, 64)]
    [InlineData("gpt2", "[c_attn]", "c_attn", "transformer.h.1.attn.c_attn", 64, 192)]
    public void Layers_have_the_names_and_shapes_that_peft_gives_them(string shape, string targets, string modules,
        string layer, int inputs, int outputs)
    {
        using var model = new GptModel(TinyBundles.Shape(shape), 40, Atelier.Tensors.Precision.Fp32, seed: 1);
        string[] wanted = targets.Trim('[', ']').Split(", ");
        using LowRankAdapters adapters = LowRankAdapters.Create(AdapterSite.Of(model, model.PublishedWeights()),
            new LoraSection { Rank = 3, Targets = wanted, Dora = true }, seed: 1);
        adapters.Write(_folder["adapter"], "the/base", model.PeftTaskType);
        using SafetensorsFile file = SafetensorsFile.Open(_folder["adapter/adapter_model.safetensors"]);
        // names as PEFT 0.17 writes them: save_and_load.py removes the adapter's name, and DoRA's ".weight"
        file.Entry($"base_model.model.{layer}.lora_A.weight").Shape.ShouldBe([3, inputs]);
        file.Entry($"base_model.model.{layer}.lora_B.weight").Shape.ShouldBe([outputs, 3]);
        file.Entry($"base_model.model.{layer}.lora_magnitude_vector").Shape.ShouldBe([outputs]);
        JsonObject config = JsonNode.Parse(File.ReadAllText(_folder["adapter/adapter_config.json"]))!.AsObject();
        config["target_modules"]!.AsArray().Select(t => (string)t!).Order().ShouldBe(modules.Split(' '));
        ((bool)config["fan_in_fan_out"]!).ShouldBe(shape == "gpt2");
        ((string?)config["task_type"], (string?)config["peft_type"], (int)config["r"]!).ShouldBe(
            ("CAUSAL_LM", "LORA", 3));
    }

    [Theory]
    [InlineData("llama", null)]
    [InlineData("llama", "gguf")]
    [InlineData("gpt2", null)]
    public void An_adapter_of_peft_s_files_changes_both_runtimes_as_it_does_plain_weights(string shape, string? format)
    {
        Tokenizer tokenizer = TinyBundles.Tokenizer("byte");
        TinyBundles.Write(_folder["base"], TinyBundles.Shape(shape), tokenizer);
        string[] names = shape == "llama"
            ? ["model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.k_proj", "model.layers.1.mlp.up_proj"]
            : ["transformer.h.0.attn.c_attn", "transformer.h.1.mlp.c_proj"];
        (int, int)[] sizes = shape == "llama" ? [(64, 64), (64, 32), (64, 96)] : [(64, 192), (128, 64)];
        WriteAdapter("adapter", shape == "gpt2", [.. names.Zip(sizes, Drawn)]);
        _runs.Workshop.Export(_folder["base"], "huggingface", _folder["merged"], adapter: _folder["adapter"]);
        float[] expected = Logits("merged", null);
        string used = "base";
        if (format == "gguf")
            _runs.Workshop.Export(_folder["base"], "gguf", _folder[used = "base.gguf"]);
        float[] adapted = Logits(used, "adapter");
        Distance(adapted, expected).ShouldBeLessThan(1e-3);
        Distance(adapted, Logits(used, null)).ShouldBeGreaterThan(0.05);
    }

    [Theory]
    [InlineData("bias", "\"all\"", "'bias' is \"all\"")]
    [InlineData("modules_to_save", "[\"lm_head\"]", "'modules_to_save'")]
    [InlineData("rank_pattern", "{\"q_proj\": 4}", "'rank_pattern'")]
    [InlineData("init_lora_weights", "\"pissa\"", "'init_lora_weights' is \"pissa\"")]
    [InlineData("peft_type", "\"ADALORA\"", "'peft_type' is \"ADALORA\"")]
    [InlineData("use_qalora", "true", "'use_qalora'")]
    [InlineData("r", "5", "implies [5, inputs]")]
    [InlineData("r", "0", "r is 0")]
    [InlineData("use_dora", "true", "lora_magnitude_vector")]
    public void What_a_peft_file_says_and_is_not_read_is_refused_by_name(string key, string value, string said)
    {
        WriteAdapter("adapter", false, [Drawn("model.layers.0.self_attn.q_proj", (64, 64))]);
        JsonNode config = JsonNode.Parse(File.ReadAllText(_folder["adapter/adapter_config.json"]))!;
        config[key] = JsonNode.Parse(value);
        File.WriteAllText(_folder["adapter/adapter_config.json"], config.ToJsonString());
        Should.Throw<AtelierException>(() => PeftFiles.Read(_folder["adapter"])).ToLine().ShouldContain(said);
    }

    [Fact]
    public void An_adapter_of_another_model_is_refused_and_the_model_runs_as_before()
    {
        TinyBundles.Write(_folder["base"], TinyBundles.Llama, TinyBundles.Tokenizer("byte"));
        TinyBundles.WriteRecurrent(_folder["rnn"], TinyBundles.Tokenizer("byte"));
        WriteAdapter("narrow", false, [Drawn("model.layers.0.self_attn.q_proj", (32, 64))]);
        WriteAdapter("deep", false, [Drawn("model.layers.7.self_attn.q_proj", (64, 64))]);
        float[] before = Logits("base", null);
        using TextGenerator managed = _runs.Workshop.Open(_folder["base"]).Require<TextGenerator>();
        using TextGenerator trained = TinyBundles.OpenForTraining(_folder["base"]);
        foreach (TextGenerator generator in (TextGenerator[])[managed, trained])
        {
            Refused(generator, "narrow").ShouldContain("32 inputs and 64 outputs, but in this model it has 64 and 64");
            Refused(generator, "deep").ShouldContain("model.layers.7.self_attn.q_proj, which this model does not have");
            Refused(generator, "nowhere").ShouldContain("there is no adapter in this folder");
            Distance(Flat(generator), before).ShouldBeLessThan(1e-4);
        }
        using TextGenerator recurrent = _runs.Workshop.Open(_folder["rnn"]).Require<TextGenerator>();
        Refused(recurrent, "deep").ShouldContain("takes no adapters");
        Should.Throw<AtelierException>(() =>
            _runs.Workshop.Export(_folder["base"], "gguf", _folder["x.gguf"], adapter: _folder["narrow"])).ToLine()
            .ShouldContain("32 inputs");

        string Refused(TextGenerator generator, string adapter) =>
            Should.Throw<AtelierException>(() => generator.UseAdapter(_folder[adapter])).ToLine();
    }

    [Fact]
    public async Task Targets_that_the_model_lacks_are_refused_with_those_it_has()
    {
        await _runs.TrainAsync("base", "gpt", "training.steps=1");
        (await Should.ThrowAsync<AtelierException>(() => _runs.ContinueAsync("base", "no",
            "training.lora.targets=[q_proj]"))).ToLine().ShouldContain(
            "no layer 'q_proj' to adapt");
        Should.Throw<AtelierException>(() => _runs.Continued("base", "training.lora.rank=4",
            "training.freeze.layers=1")).ToLine().ShouldContain("training.freeze.layers would be ignored");
        await _runs.TrainAsync("rnn", "rnn", "training.steps=1");
        (await Should.ThrowAsync<AtelierException>(() => _runs.ContinueAsync("rnn", "no",
            "training.lora.rank=4"))).ToLine().ShouldContain("no attention or feed-forward layers");
    }

    private static LoraLayer Drawn(string name, (int Inputs, int Outputs) size)
    {
        var random = new Random(name.Length);
        float[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() - 0.5f) / 2)];
        return new LoraLayer(name, size.Inputs, size.Outputs, Draw(2 * size.Inputs), Draw(2 * size.Outputs), null);
    }

    private void WriteAdapter(string name, bool isTransposed, LoraLayer[] layers)
    {
        var adapter = new LoraAdapter(layers)
        {
            Rank = 2, Alpha = 3, UsesRootOfRank = true, IsTransposed = isTransposed, Targets = ["x"],
        };
        PeftFiles.Write(_folder[name], adapter);
        LoraAdapter read = PeftFiles.Read(_folder[name]);
        read.Scale.ShouldBe(3 / Math.Sqrt(2), 1e-12);
        foreach ((LoraLayer was, LoraLayer now) in layers.OrderBy(l => l.Name, StringComparer.Ordinal)
            .Zip(read.Layers.OrderBy(l => l.Name, StringComparer.Ordinal)))
        {
            now.A.ShouldBe(was.A);
            now.B.ShouldBe(was.B);
        }
    }

    private float[] Logits(string model, string? adapter)
    {
        using TextGenerator generator = _runs.Workshop.Open(_folder[model]).Require<TextGenerator>();
        if (adapter is not null)
            generator.UseAdapter(_folder[adapter]);
        return Flat(generator);
    }

    private static float[] Flat(TextGenerator generator) =>
        [.. TinyBundles.Logits(generator.Model, s_tokens).SelectMany(row => row)];

    private static double Distance(float[] a, float[] b) => a.Zip(b, (x, y) => Math.Abs((double)x - y)).Max();

    private sealed class StopAt(long step, CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step == step)
                stop.Cancel();
        }
    }
}
