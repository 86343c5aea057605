using System.Buffers.Binary;
using System.Text;
using Atelier.Exchange;
using Atelier.Generation;
using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Runtime.Tests.Networks;

namespace Atelier.Runtime.Tests.Exchange;

/// <summary>
/// Exported graphs, read field by field as onnx.proto numbers them. That Microsoft.ML.OnnxRuntime computes the same
/// vectors with them is checked by benchmarks/run embed before it measures.
/// </summary>
public sealed class OnnxWriterTests : IDisposable
{
    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("atelier").FullName, "model.onnx");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_path)!, recursive: true);

    [Theory]
    [InlineData(ActivationName.Gelu, EmbeddingPooling.Mean, "Erf", "ReduceSum")]
    [InlineData(ActivationName.GeluTanh, EmbeddingPooling.First, "Tanh", "GatherND")]
    [InlineData(ActivationName.Relu, EmbeddingPooling.Last, "Relu", "GatherND")]
    public void A_graph_uses_only_what_it_defines_and_holds_every_weight(
        ActivationName activation, EmbeddingPooling pooling, string activates, string pools)
    {
        (EncoderConfig config, EncoderWeights weights) = EncoderTests.Model(64, 96, activation, 2, WeightType.Q8_0);
        OnnxWriter.Write(_path, config, weights, new TextEmbeddingOptions { Pooling = pooling });
        Dictionary<int, List<Field>> model = Fields(File.ReadAllBytes(_path)), graph = Fields(model[7][0].Bytes);
        Number(model[1][0]).ShouldBe(8);
        Number(Fields(model[8][0].Bytes)[2][0]).ShouldBe(17);

        var tensors = graph[5].Select(field => Fields(field.Bytes)).ToDictionary(t => Text(t[8][0]));
        foreach ((string name, Dictionary<int, List<Field>> tensor) in tensors)
        {
            long count = tensor.GetValueOrDefault(1, [])
                .Aggregate(1L, (product, dimension) => product * Number(dimension));
            tensor[9][0].Bytes.Length.ShouldBe((int)count * (Number(tensor[2][0]) == 1 ? 4 : 8), name);
        }
        HashSet<string> known = [.. tensors.Keys, .. graph[11].Select(field => Text(Fields(field.Bytes)[1][0]))];
        var operators = new List<string>();
        foreach (Dictionary<int, List<Field>> node in graph[1].Select(field => Fields(field.Bytes)))
        {
            node[1].ShouldAllBe(input => known.Contains(Text(input)));
            known.Add(Text(node[2][0])).ShouldBeTrue();
            operators.Add(Text(node[4][0]));
        }
        operators.ShouldContain(activates);
        operators.ShouldContain(pools);
        operators.Count(name => name == "LayerNormalization").ShouldBe(5);
        string[] outputs = [.. graph[12].Select(field => Text(Fields(field.Bytes)[1][0]))];
        outputs.ShouldBe(["last_hidden_state", "sentence_embedding"]);
        known.IsSupersetOf(outputs).ShouldBeTrue();

        // A linear layer is stored as [inputs, outputs], dequantised.
        float[] row = new float[64];
        weights.Blocks[1].FeedForward!.Up.Weight.ReadRow(3, row);
        byte[] stored = tensors["block.1.up.weight"][9][0].Bytes;
        for (int i = 0; i < row.Length; i++)
            BinaryPrimitives.ReadSingleLittleEndian(stored.AsSpan((i * 96 + 3) * 4)).ShouldBe(row[i]);
    }

    private static long Number(Field field) => field.Value;

    private static string Text(Field field) => Encoding.UTF8.GetString(field.Bytes);

    private static Dictionary<int, List<Field>> Fields(byte[] message)
    {
        var fields = new Dictionary<int, List<Field>>();
        for (int at = 0; at < message.Length;)
        {
            long tag = Varint(message, ref at);
            Field field = new(0, []);
            switch (tag & 7)
            {
                case 0:
                    field = new(Varint(message, ref at), []);
                    break;
                case 2:
                    int length = (int)Varint(message, ref at);
                    field = new(0, message[at..(at + length)]);
                    at += length;
                    break;
                default:
                    (tag & 7).ShouldBe(5);
                    at += 4;
                    break;
            }
            if (!fields.TryGetValue((int)(tag >> 3), out List<Field>? list))
                fields[(int)(tag >> 3)] = list = [];
            list.Add(field);
        }
        return fields;
    }

    private static long Varint(byte[] message, ref int at)
    {
        long value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = message[at++];
            value |= (long)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }
    }

    private sealed record Field(long Value, byte[] Bytes);
}
