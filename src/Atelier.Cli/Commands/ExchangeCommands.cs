using System.CommandLine;
using System.Text.Json.Nodes;

namespace Atelier.Cli.Commands;

/// <summary>Takes a model of another system and makes a bundle of it.</summary>
internal sealed class ImportCommand : ToolCommand
{
    private readonly Argument<string> _source = new("SOURCE") { Description = "A Hugging Face folder (config.json, model.safetensors, tokenizer.json), or a llama2.c .bin." };
    private readonly Option<string?> _tokenizer = new("--tokenizer") { HelpName = "FILE", Description = "A tokenizer.json, or a llama2.c tokenizer; needed with a .bin." };
    private readonly Option<string> _out = new("--out") { HelpName = "FOLDER", Required = true, Description = "The bundle's folder." };

    public ImportCommand(ToolConsole console) : base(console, "import", "Makes a bundle of another system's model.",
        "atelier import stories260K.bin --tokenizer tok512.bin --out bundles/stories260K")
    {
        Add(_source);
        Add(_tokenizer);
        Add(_out);
    }

    protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        string bundle = Workshop.Import(parse.GetRequiredValue(_source), parse.GetValue(_tokenizer), parse.GetRequiredValue(_out));
        console.Say($"bundle: {bundle}\nmore:   atelier generate {parse.GetValue(_out)}");
        console.Result(() => new JsonObject { ["bundle"] = bundle });
        return Task.FromResult(0);
    }
}

/// <summary>Copies a model to where other systems read it.</summary>
internal sealed class ExportCommand : ToolCommand
{
    private readonly Argument<string> _run = new("RUN") { Description = "A run's folder or a bundle's." };
    private readonly Option<string> _format = new("--to") { HelpName = "FORMAT", Description = "huggingface.", DefaultValueFactory = _ => "huggingface" };
    private readonly Option<string> _out = new("--out") { HelpName = "FOLDER", Required = true, Description = "The folder to write." };

    public ExportCommand(ToolConsole console) : base(console, "export", "Writes a model for other systems.",
        "atelier export runs/quickstart --to huggingface --out exported/quickstart")
    {
        Add(_run);
        Add(_format);
        Add(_out);
    }

    protected override Task<int> RunAsync(ToolConsole console, ParseResult parse, CancellationToken cancellation)
    {
        string format = parse.GetRequiredValue(_format);
        if (format != "huggingface")
            throw new AtelierException($"there is no format '{format}'", "--to", "allowed is huggingface");
        string folder = Workshop.Export(parse.GetRequiredValue(_run), parse.GetRequiredValue(_out));
        console.Say(folder);
        console.Result(() => new JsonObject { ["format"] = format, ["folder"] = folder });
        return Task.FromResult(0);
    }
}
