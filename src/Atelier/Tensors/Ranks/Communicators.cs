using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tensors.Ranks;

/// <summary>Exchanges of texts, decisions and tensors, made of those of a communicator.</summary>
internal static class Communicators
{
    private const long PieceElements = 1 << 20;

    /// <summary>Whether this rank writes files and reports to the user.</summary>
    public static bool Leads(this ICommunicator ranks) => ranks.Rank == 0;

    /// <summary>Returns the text of the first rank.</summary>
    public static string Broadcast(this ICommunicator ranks, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        long[] length = [ranks.Leads() ? bytes.Length : 0];
        ranks.Sum(length);
        if (!ranks.Leads())
            bytes = new byte[length[0]];
        ranks.Broadcast(bytes);
        return Encoding.UTF8.GetString(bytes);
    }

    /// <summary>Returns the decision of the first rank.</summary>
    public static bool Decide(this ICommunicator ranks, bool decision)
    {
        long[] decided = [ranks.Leads() && decision ? 1 : 0];
        ranks.Sum(decided);
        return decided[0] > 0;
    }

    /// <summary>Returns the texts of all ranks, in the order of ranks.</summary>
    public static string[] Gather(this ICommunicator ranks, string text) =>
        [.. ranks.Gather(Encoding.UTF8.GetBytes(text)).Select(bytes => Encoding.UTF8.GetString(bytes))];

    /// <summary>Replaces a tensor's values, on any device, by those of the first rank.</summary>
    public static void Broadcast(this ICommunicator ranks, Tensor tensor)
    {
        if (ranks.Size == 1)
            return;
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        bool isDirect = tensor.device_type == DeviceType.CPU && tensor.is_contiguous();
        Tensor flat = (isDirect ? tensor.detach() : tensor.detach().cpu().contiguous()).view(-1);
        for (long at = 0; at < flat.numel(); at += PieceElements)
            ranks.Broadcast(flat.narrow(0, at, Math.Min(PieceElements, flat.numel() - at)).bytes);
        if (!isDirect)
            tensor.copy_(flat.view(tensor.shape));
    }
}
