using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Tasks.Text;

namespace Atelier.Cli.Commands;

/// <summary>Converts a model of another system into a bundle.</summary>
internal sealed class ImportCommand : ToolCommand
{
    private readonly Workshop _workshop;
    private readonly Argument<string> _source =
        new("SOURCE") { Description =
        "A Hugging Face folder (config.json, model.safetensors or its shards, tokenizer.json or vocab.json and "
            + "merges.txt), a GGUF file, a llama2.c .bin, or a Bayesian network as .bif or .bif.gz." };
    private readonly Option<string?> _tokenizer = new("--tokenizer") { HelpName = "FILE",
        Description =
        "A tokenizer.json or llama2.c tokenizer for a source without one. By default, a .bin uses the tokenizer in "
            + "the same folder: tokenizer.bin, tokN.bin for N tokens, or tokenizer.json." };
    private readonly Option<string> _out =
        new("--out") { HelpName = "FOLDER", Required = true, Description = "The folder of the new bundle." };

    public ImportCommand(ToolConsole console, Workshop workshop)
        : base(console, "import", "Converts a model of another system into a bundle.",
        "atelier import stories260K.bin --tokenizer tok512.bin --out bundles/stories260K")
    {
        _workshop = workshop;
        Add(_source);
        Add(_tokenizer);
        Add(_out);
    }

    protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        string bundle = _workshop.Import(parse.GetRequiredValue(_source), parse.GetValue(_tokenizer),
            parse.GetRequiredValue(_out), console, cancellation);
        ModelSummary model = ModelSummary.Of(bundle);
        string parameters = model.Parameters.ToString("N0", CultureInfo.InvariantCulture);
        console.Say($"model:  {model.ModelType}, {parameters} parameters\n{Shape(model)}bundle: {bundle}\nmore:   "
            + $"atelier generate {parse.GetValue(_out)}");
        console.Result(() => new JsonObject
        {
            ["bundle"] = bundle,
            ["modelType"] = model.ModelType,
            ["parameters"] = model.Parameters,
            ["shape"] = new JsonObject(model.Shape.Select(size => KeyValuePair.Create(size.Name,
                (JsonNode?)size.Value))),
        });
        return Task.FromResult(0);
    }

    private static string Shape(ModelSummary model)
    {
        IEnumerable<string> sizes = model.Shape.Select(size =>
            string.Create(CultureInfo.InvariantCulture, $"{size.Name} {size.Value:N0}"));
        return model.Shape.Count == 0 ? "" : $"shape:  {string.Join(", ", sizes)}\n";
    }
}

/// <summary>Exports a model to the format of another system.</summary>
internal sealed class ExportCommand : ToolCommand
{
    private readonly Workshop _workshop;
    private readonly Argument<string> _run = new("RUN") { Description = "The folder of a run or a bundle." };
    private readonly Option<string> _format = new("--to") { HelpName = "FORMAT",
        Description = "huggingface (a folder), gguf (a file that llama.cpp runs) or bif (a Bayesian network's file).",
        DefaultValueFactory = _ => "huggingface" };
    private readonly Option<string?> _type = new("--type") { HelpName = "TYPE",
        Description =
        "The type of the weights: f32, f16 or bf16; for gguf also q8, q4, q6_k, q5_k, q4_k, q3_k, q2_k, q5_1, q5_0, "
            + "q4_1, iq4_nl and iq4_xs. By default it is not changed (8-bit and 4-bit weights become f32 for "
            + "huggingface)." };
    private readonly Option<string?> _adapter = new("--adapter") { HelpName = "FOLDER",
        Description = "A LoRA adapter in PEFT's files, which is merged into the weights." };
    private readonly Option<string> _out =
        new("--out") { HelpName = "PATH", Required = true, Description = "The folder or the file to write." };

    public ExportCommand(ToolConsole console, Workshop workshop)
        : base(console, "export", "Exports a model to the format of another system.",
        "atelier export runs/quickstart --to gguf --type q8 --out quickstart.gguf")
    {
        _workshop = workshop;
        Add(_run);
        Add(_format);
        Add(_type);
        Add(_adapter);
        Add(_out);
    }

    protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        string format = parse.GetRequiredValue(_format);
        string path = _workshop.Export(parse.GetRequiredValue(_run), format, parse.GetRequiredValue(_out),
            parse.GetValue(_type), parse.GetValue(_adapter), cancellation);
        console.Say(path);
        console.Result(() =>
            new JsonObject { ["format"] = format, [format == "huggingface" ? "folder" : "file"] = path });
        return Task.FromResult(0);
    }
}
