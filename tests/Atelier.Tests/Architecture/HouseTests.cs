using System.Text.RegularExpressions;
using Atelier.TestSupport;

namespace Atelier.Tests.Architecture;

/// <summary>The plan of docs/architecture.md, read from the compiled types and the sources.</summary>
public class HouseTests
{
    private const int WidestLine = 120;
    private const int LongestFile = 350;

    // From the bottom up: a folder uses folders before it alone. What stands beside the folders of the runtime is its
    // bottom; what stands beside those of the library puts everything together.
    private static readonly string[] Runtime =
        ["", "Abstractions", "Kernels", "Formats", "Tokenizers", "Networks", "Generation", "Exchange"];

    private static readonly string[] Library =
    [
        "Tensors", "Kernels", "Layers", "Recipes", "Data", "Runs", "Training", "Evaluation", "Tasks", "Models",
            "Explain",
        "Compress", "Choose", "",
    ];

    [Theory]
    [InlineData("Atelier.Runtime")]
    [InlineData("Atelier")]
    public void A_folder_uses_folders_below_it_alone(string assembly)
    {
        string[] order = assembly == "Atelier" ? Library : Runtime;
        var uses = CompiledTypes.Uses(PathOf(assembly));
        uses.Count.ShouldBeGreaterThan(100);
        uses.Keys.Select(type => type.Folder).Distinct().Except(order)
            .ShouldBeEmpty("a folder that the plan does not have");

        (from type in uses.Keys from used in uses[type] where Level(used) > Level(type) select $"{type} uses {used}")
            .ShouldBeEmpty();

        int Level(TypeName type) => Array.IndexOf(order, type.Folder);
    }

    [Fact]
    public void A_folder_of_the_server_uses_folders_below_it_alone()
    {
        string server = Path.Combine(Repository.Folder, "src", "Atelier.Server", "bin", "Release", "net10.0",
            "Atelier.Server.dll");
        Assert.SkipUnless(File.Exists(server), "the server is not built here");
        // what stands beside the folders is both the options below them and the server that puts them together
        string[] order = ["Serving", "Uploads", "Trainings", "Observing", "Studio", "Api", "Security"];
        var uses = CompiledTypes.Uses(server).Where(pair => pair.Key.Subfolder != "").ToDictionary();
        uses.Keys.Select(type => type.Subfolder).Distinct().Except(order)
            .ShouldBeEmpty("a folder that the plan does not have");
        (from type in uses.Keys
         from used in uses[type]
         where Array.IndexOf(order, used.Subfolder) > Array.IndexOf(order, type.Subfolder)
         select $"{type} uses {used}").ShouldBeEmpty();
    }

    [Fact]
    public void A_family_is_known_to_the_list_of_families_alone()
    {
        var uses = CompiledTypes.Uses(PathOf("Atelier"));
        (from type in uses.Keys
         where type is not { Folder: "Models", Subfolder: "" }
         from used in uses[type]
         where used is { Folder: "Models", Subfolder: not "" } && used.Subfolder != type.Subfolder
         select $"{type} uses {used}").ShouldBeEmpty();
    }

    [Fact]
    public void Models_do_not_know_how_they_are_executed()
    {
        var uses = CompiledTypes.Uses(PathOf("Atelier"));
        (from type in uses.Keys
         where type.Folder == "Models"
         from used in uses[type]
         where used.Folder == "Kernels" || used is { Folder: "Training", Subfolder: "Execution" }
         select $"{type} uses {used}").ShouldBeEmpty();
    }

    [Fact]
    public void The_tool_knows_no_family()
    {
        string tool =
            Path.Combine(Repository.Folder, "src", "Atelier.Cli", "bin", "Release", "net10.0", "Atelier.Cli.dll");
        Assert.SkipUnless(File.Exists(tool), "the tool is not built here");
        Mono.Cecil.ModuleDefinition.ReadModule(tool).GetTypeReferences()
            .Where(type => type.Namespace.StartsWith("Atelier.Models.", StringComparison.Ordinal))
            .Select(type => type.FullName).ShouldBeEmpty();
    }

    [Fact]
    public void The_runtime_names_no_native_library()
    {
        Mono.Cecil.ModuleDefinition.ReadModule(PathOf("Atelier.Runtime")).AssemblyReferences.Select(a => a.Name)
            .Where(name =>
                name.StartsWith("TorchSharp", StringComparison.Ordinal)
                || name.StartsWith("SkiaSharp", StringComparison.Ordinal))
            .ShouldBeEmpty();
    }

    [Fact]
    public void Files_can_be_read_in_one_sitting_on_a_screen_of_120_columns()
    {
        var faults = new List<string>();
        foreach (string file in Sources("src"))
        {
            int count = File.ReadLines(file).Count();
            if (count > LongestFile)
                faults.Add($"{file} has {count} lines");
            faults.AddRange(WideLines(file, _ => true));
        }
        // the files of models that tests hold have no space to be broken at
        faults.AddRange(Sources("tests").SelectMany(file =>
            WideLines(file, line => line.Trim().Contains(' ', StringComparison.Ordinal))));
        faults.ShouldBeEmpty();

        static IEnumerable<string> WideLines(string file, Func<string, bool> counts) => File.ReadLines(file).Index()
            .Where(line => line.Item.Length > WidestLine && counts(line.Item))
            .Select(line => $"{file}:{line.Index + 1} has {line.Item.Length} columns");
    }

    [Theory]
    [InlineData("Atelier.Runtime")]
    [InlineData("Atelier")]
    public void The_libraries_write_no_option_and_no_command_of_the_tool(string assembly)
    {
        var literals = CompiledTypes.Literals(PathOf(assembly));
        literals.Count.ShouldBeGreaterThan(1000);
        literals.Where(literal => Regex.IsMatch(literal.Text, @"(?<![\w-])--([a-z]|$)|\batelier [a-z]"))
            .Select(literal => $"{literal.Method}: {literal.Text}").ShouldBeEmpty();
    }

    private static IEnumerable<string> Sources(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Repository.Folder, folder), "*.cs", SearchOption.AllDirectories)
            .Where(file =>
            !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal));

    private static string PathOf(string assembly) => Path.Combine(AppContext.BaseDirectory, assembly + ".dll");
}
