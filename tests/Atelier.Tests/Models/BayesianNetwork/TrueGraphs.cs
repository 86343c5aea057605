using System.IO.Compression;
using Atelier.Models.BayesianNetwork;
using Atelier.TestSupport;

namespace Atelier.Tests.Models.BayesianNetwork;

/// <summary>
/// The graphs that published samples were drawn from, and the samples, read without the product's own reader.
/// </summary>
internal static class TrueGraphs
{
    private static readonly Dictionary<string, string> Parents = new()
    {
        ["learning.test"] = "A C F B|A D|A,C E|B,F",
        ["asia"] = "A S T|A L|S B|S E|T,L X|E D|B,E",
        ["alarm"] = "HYP LVF HIST|LVF LVV|HYP,LVF CVP|LVV PCWP|LVV STKV|HYP,LVF ERLO ERCA HRBP|ERLO,HR HREK|ERCA,HR "
            + "HRSA|ERCA,HR ANES APL TPR|APL KINK FIO2 PMB INT DISC MVS " +
            "VMCH|MVS VTUB|DISC,VMCH VLNG|INT,KINK,VTUB VALV|INT,VLNG ACO2|VALV ECO2|ACO2,VLNG MINV|INT,VLNG "
                + "PVS|FIO2,VALV PAP|PMB SHNT|INT,PMB SAO2|PVS,SHNT PRSS|INT,KINK,VTUB " +
            "CCHL|ACO2,ANES,SAO2,TPR HR|CCHL CO|HR,STKV BP|CO,TPR",
    };

    public static (DiscreteData Data, DirectedGraph Graph) Read(string name)
    {
        string file = name == "alarm" ? "alarm.csv.gz" : name + ".csv";
        string path = DataFolder.File("networks", file);
        using Stream stream = File.OpenRead(path);
        using var reader =
            new StreamReader(name == "alarm" ? new GZipStream(stream, CompressionMode.Decompress) : stream);
        string[][] rows = [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.TrimEnd('\r').Split(','))];
        string[] names = rows[0];
        Variable[] variables =
            [.. names.Select((n, i) =>
            new Variable(n, [.. rows.Skip(1).Select(r => r[i]).Distinct().Order(StringComparer.Ordinal)]))];
        byte[][] columns = [.. variables.Select((v, i) => rows.Skip(1).Select(r => (byte)v.StateOf(r[i])).ToArray())];
        IEnumerable<(int, int)> edges =
            from word in Parents[name].Split(' ')
            where word.Contains('|')
            from parent in word.Split('|')[1].Split(',')
            select (Array.IndexOf(names, parent), Array.IndexOf(names, word.Split('|')[0]));
        return (new DiscreteData(variables, columns), DirectedGraph.Of(edges, names));
    }
}
